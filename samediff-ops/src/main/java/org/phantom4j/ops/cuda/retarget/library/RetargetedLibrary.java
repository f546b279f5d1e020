package org.phantom4j.ops.cuda.retarget.library;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.phantom4j.ops.cuda.fatbin.GpuArchitecture;
import org.phantom4j.ops.files.PartialFile;

/**
 * A translated library, as the file beside it describes it.
 *
 * @param file           the library
 * @param original       what it was made of; of the same size
 * @param target         the architecture it was made for
 * @param compiler       the compiler, its version and the level it started at
 * @param modulesByLevel how many modules were compiled at each optimisation level
 */
public record RetargetedLibrary(
        Path file, LibraryId original, GpuArchitecture target, String compiler, Map<Integer, Integer> modulesByLevel) {
    /** The name of the file that describes it. */
    public static final String DESCRIPTION = "retarget.properties";

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

    /** Writes the description beside the library, whole or not at all. */
    public void write() throws IOException {
        Properties properties = new Properties();
        properties.setProperty("library", file.getFileName().toString());
        properties.setProperty("original.sha256", original.sha256());
        properties.setProperty("original.bytes", Long.toString(original.bytes()));
        properties.setProperty("original.crc32", Long.toString(original.crc32()));
        properties.setProperty("target", target.toString());
        properties.setProperty("compiler", compiler);
        modulesByLevel.forEach((level, modules) -> properties.setProperty("modules.O" + level, modules.toString()));
        Path folder = file.toAbsolutePath().getParent();
        PartialFile.write(folder.resolve(DESCRIPTION), partial -> {
            try (OutputStream out = Files.newOutputStream(partial)) {
                properties.store(out, "a library translated by phantom4j retarget");
            }
        });
    }

    /**
     * Reads a folder's description.
     *
     * @return null if there is none, or the library is not as it says
     * @throws RetargetException if the description is damaged
     */
    public static RetargetedLibrary read(Path folder) throws IOException {
        Path description = folder.resolve(DESCRIPTION);
        if (!Files.isRegularFile(description)) {
            return null;
        }
        Properties properties = new Properties();
        try (InputStream in = Files.newInputStream(description)) {
            properties.load(in);
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
            Path file = folder.resolve(required(properties, "library"));
            if (!Files.isRegularFile(file) || Files.size(file) != original.bytes()) {
                return null;
            }
            GpuArchitecture target = GpuArchitecture.parse(required(properties, "target"));
            return new RetargetedLibrary(file, original, target, required(properties, "compiler"), modules);
        } catch (IllegalArgumentException e) {
            throw new RetargetException(
                    description + " is damaged (" + e.getMessage() + "): delete " + folder + " and retarget again");
        }
    }

    private static String required(Properties properties, String name) {
        String value = properties.getProperty(name);
        if (value == null) {
            throw new IllegalArgumentException("it has no " + name);
        }
        return value;
    }
}
