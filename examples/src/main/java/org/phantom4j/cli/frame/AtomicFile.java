package org.phantom4j.cli.frame;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** Writes a file beside its place and moves it there when it is complete: no half-written file is ever seen. */
public final class AtomicFile {

    private AtomicFile() {}

    /** Writes the file that it is given. */
    public interface Writer {
        void write(Path file) throws IOException;
    }

    /**
     * Writes or replaces {@code target}.
     *
     * @throws IOException if it cannot be written; what was there before is still there
     */
    public static void write(Path target, Writer writer) throws IOException {
        Path folder = target.toAbsolutePath().getParent();
        Path partial = Files.createTempFile(folder, "." + target.getFileName(), ".partial");
        // where this process is asked to end meanwhile
        partial.toFile().deleteOnExit();
        try {
            writer.write(partial);
            Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException | RuntimeException e) {
            throw new IOException("cannot write " + target + ": " + e.getMessage(), e);
        } finally {
            Files.deleteIfExists(partial);
        }
    }

    /**
     * Refuses, before the work is done, a target that could not be written after it.
     *
     * @param name may be null
     * @return null if {@code name} is
     */
    public static Path writable(String option, String name) {
        if (name == null) {
            return null;
        }
        Path target = Path.of(name);
        Path folder = target.toAbsolutePath().getParent();
        if (folder == null || !Files.isDirectory(folder) || !Files.isWritable(folder) || Files.isDirectory(target)) {
            throw new UsageException(
                    "--" + option + " " + name + ": expected a file in an existing folder that can be written to");
        }
        return target;
    }
}
