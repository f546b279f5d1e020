package org.phantom4j.ops.cuda.retarget.library;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.phantom4j.ops.cache.UserCache;
import org.phantom4j.ops.cuda.fatbin.GpuArchitecture;

/**
 * The folder of translated libraries: one folder each, named after the original's checksum, the architecture and
 * the compiler's version and level.
 *
 * @param root the folder, which need not exist yet
 */
public record RetargetCache(Path root) {
    /** {@return the cache of the user's: folder {@code retarget} of {@link UserCache#root}} */
    public static RetargetCache standard() {
        return new RetargetCache(UserCache.root().resolve("retarget"));
    }

    /** {@return the folder of a translation} */
    public Path folder(LibraryId original, GpuArchitecture target, String compiler) {
        return root.resolve(original.shortName() + "-" + target + "-" + compiler);
    }

    /** {@return every library in the cache that is as long as its description says; none is read} */
    public List<RetargetedLibrary> libraries() throws IOException {
        if (!Files.isDirectory(root)) {
            return List.of();
        }
        List<RetargetedLibrary> found = new ArrayList<>();
        try (Stream<Path> folders = Files.list(root)) {
            for (Path folder : folders.filter(Files::isDirectory).sorted().toList()) {
                RetargetedLibrary library = RetargetedLibrary.read(folder);
                if (library != null) {
                    found.add(library);
                }
            }
        }
        return found;
    }

    /**
     * Finds a translation of the library with this size and CRC-32 whose kernels run on {@code gpu}: of several, the one
     * for the nearest architecture, and of these the one that was made last. Reads it, so as to pass over a damaged one.
     */
    public Optional<RetargetedLibrary> find(long bytes, long crc32, GpuArchitecture gpu) throws IOException {
        Map<RetargetedLibrary, FileTime> made = new LinkedHashMap<>();
        for (RetargetedLibrary library : libraries()) {
            if (library.original().bytes() == bytes
                    && library.original().crc32() == crc32
                    && gpu.runs(library.target())) {
                made.put(library, Files.getLastModifiedTime(library.file()));
            }
        }
        List<RetargetedLibrary> best = new ArrayList<>(made.keySet());
        best.sort(Comparator.comparing(RetargetedLibrary::target)
                .thenComparing(made::get)
                .reversed());
        for (RetargetedLibrary library : best) {
            if (library.isIntact()) {
                return Optional.of(library);
            }
        }
        return Optional.empty();
    }
}
