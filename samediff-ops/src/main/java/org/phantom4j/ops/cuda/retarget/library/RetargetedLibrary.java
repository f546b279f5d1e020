package org.phantom4j.ops.cuda.retarget.library;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.zip.CRC32C;
import org.phantom4j.ops.cuda.fatbin.GpuArchitecture;
import org.phantom4j.ops.files.PartialFile;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A translated library, as the file beside it describes it.
 *
 * @param file           the library
 * @param checksum       CRC-32C of its bytes
 * @param original       what it was made of; of the same size
 * @param target         the architecture it was made for
 * @param compiler       the compiler, its version and the level it started at
 * @param modulesByLevel how many modules were compiled at each optimisation level
 */
public record RetargetedLibrary(
        Path file,
        long checksum,
        LibraryId original,
        GpuArchitecture target,
        String compiler,
        Map<Integer, Integer> modulesByLevel) {
    /** The name of the file that describes it. */
    public static final String DESCRIPTION = "retarget.properties";

    private static final Logger LOG = LoggerFactory.getLogger(RetargetedLibrary.class);

    private static final String DESCRIPTION_CHECKSUM = "description.crc32c";
    private static final int CHUNK_BYTES = 1 << 20;

    /** Copies the map. */
    public RetargetedLibrary {
        modulesByLevel = Map.copyOf(modulesByLevel);
    }

    /** {@return such as "228 modules at level 3, 1 at level 1"} */
    public String summary() {
        return new TreeMap<>(modulesByLevel)
                .descendingMap().entrySet().stream()
                        .map(entry -> entry.getValue() + " modules at level " + entry.getKey())
                        .collect(Collectors.joining(", "));
    }

    /** {@return the CRC-32C of a file's bytes} */
    public static long checksum(Path file) throws IOException {
        CRC32C sum = new CRC32C();
        ByteBuffer chunk = ByteBuffer.allocateDirect(CHUNK_BYTES);
        try (FileChannel in = FileChannel.open(file, StandardOpenOption.READ)) {
            while (in.read(chunk.clear()) >= 0) {
                sum.update(chunk.flip());
            }
        }
        return sum.getValue();
    }

    /** {@return whether the library is as it was when it was made; if not, that is logged. Reads it all} */
    public boolean isIntact() throws IOException {
        boolean intact = Files.size(file) == original.bytes() && checksum(file) == checksum;
        if (!intact) {
            LOG.warn("{} is damaged, and not used: retarget makes it anew", file);
        }
        return intact;
    }

    /** Writes the description beside the library, whole or not at all. */
    public void write() throws IOException {
        Properties properties = new Properties();
        properties.setProperty("library", file.getFileName().toString());
        properties.setProperty("library.crc32c", Long.toString(checksum));
        properties.setProperty("original.sha256", original.sha256());
        properties.setProperty("original.bytes", Long.toString(original.bytes()));
        properties.setProperty("original.crc32", Long.toString(original.crc32()));
        properties.setProperty("target", target.toString());
        properties.setProperty("compiler", compiler);
        modulesByLevel.forEach((level, modules) -> properties.setProperty("modules.O" + level, modules.toString()));
        properties.setProperty(DESCRIPTION_CHECKSUM, checksum(properties));
        Path folder = file.toAbsolutePath().getParent();
        PartialFile.write(folder.resolve(DESCRIPTION), partial -> {
            try (OutputStream out = Files.newOutputStream(partial)) {
                properties.store(out, "a library translated by phantom4j retarget");
            }
        });
    }

    /** Of all properties but the checksum itself, whatever order they are written in. */
    private static String checksum(Properties properties) {
        CRC32C sum = new CRC32C();
        for (String name : new TreeSet<>(properties.stringPropertyNames())) {
            if (!name.equals(DESCRIPTION_CHECKSUM)) {
                String line = name + "=" + properties.getProperty(name) + "\n";
                sum.update(line.getBytes(StandardCharsets.UTF_8));
            }
        }
        return Long.toString(sum.getValue());
    }

    /**
     * Reads a folder's description.
     *
     * @return null if there is none, if it is damaged, which is logged, or if the library is not as long as it says
     */
    public static RetargetedLibrary read(Path folder) throws IOException {
        Path description = folder.resolve(DESCRIPTION);
        if (!Files.isRegularFile(description)) {
            return null;
        }
        Properties properties = new Properties();
        try (InputStream in = Files.newInputStream(description)) {
            properties.load(in);
            if (!required(properties, DESCRIPTION_CHECKSUM).equals(checksum(properties))) {
                throw new IllegalArgumentException("its checksum is wrong");
            }
            RetargetedLibrary library = parse(folder, properties);
            boolean whole = Files.isRegularFile(library.file) && Files.size(library.file) == library.original.bytes();
            return whole ? library : null;
        } catch (IllegalArgumentException e) {
            LOG.warn(
                    "{} is damaged ({}), and its library not used: retarget makes it anew",
                    description,
                    e.getMessage());
            return null;
        }
    }

    private static RetargetedLibrary parse(Path folder, Properties properties) {
        Map<Integer, Integer> modules = new TreeMap<>();
        for (String name : properties.stringPropertyNames()) {
            if (name.startsWith("modules.O")) {
                modules.put(
                        Integer.valueOf(name.substring("modules.O".length())),
                        Integer.valueOf(properties.getProperty(name)));
            }
        }
        LibraryId original = new LibraryId(
                required(properties, "original.sha256"),
                Long.parseLong(required(properties, "original.bytes")),
                Long.parseLong(required(properties, "original.crc32")));
        return new RetargetedLibrary(
                folder.resolve(required(properties, "library")),
                Long.parseLong(required(properties, "library.crc32c")),
                original,
                GpuArchitecture.parse(required(properties, "target")),
                required(properties, "compiler"),
                modules);
    }

    private static String required(Properties properties, String name) {
        String value = properties.getProperty(name);
        if (value == null) {
            throw new IllegalArgumentException("it has no " + name);
        }
        return value;
    }
}
