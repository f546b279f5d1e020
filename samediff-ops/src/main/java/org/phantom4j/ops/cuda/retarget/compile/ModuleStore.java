package org.phantom4j.ops.cuda.retarget.compile;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.phantom4j.ops.cuda.retarget.library.LibraryInput;
import org.phantom4j.ops.files.PartialFile;

/**
 * Compiled modules on disk, each named after the checksum of its PTX, until all are there: what makes a
 * translation resumable. A file is there whole or not at all.
 *
 * <p>May be used by several threads at once, for different modules.
 *
 * @param folder the folder, which exists
 */
public record ModuleStore(Path folder) {
    private static final Pattern NAME = Pattern.compile("[0-9a-f]{64}-O(\\d)\\.fatbin");

    /** {@return what was compiled of a module, if it has been} */
    public Optional<ModuleCompiler.Compiled> find(byte[] ptx) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            String key = key(ptx);
            Optional<Path> found =
                    files.filter(file -> name(file).startsWith(key)).findFirst();
            if (found.isPresent()) {
                Matcher matcher = NAME.matcher(name(found.get()));
                if (matcher.matches()) {
                    int level = Integer.parseInt(matcher.group(1));
                    return Optional.of(new ModuleCompiler.Compiled(Files.readAllBytes(found.get()), level));
                }
            }
            return Optional.empty();
        }
    }

    /** Keeps what was compiled of a module. */
    public void put(byte[] ptx, ModuleCompiler.Compiled compiled) throws IOException {
        PartialFile.write(
                folder.resolve(key(ptx) + "-O" + compiled.level() + ".fatbin"),
                partial -> Files.write(partial, compiled.container()));
    }

    private static String key(byte[] ptx) {
        return HexFormat.of().formatHex(LibraryInput.sha256().digest(ptx));
    }

    private static String name(Path file) {
        return file.getFileName().toString();
    }
}
