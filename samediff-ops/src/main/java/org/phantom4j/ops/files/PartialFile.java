package org.phantom4j.ops.files;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileAttribute;
import java.util.concurrent.ThreadLocalRandom;

/**
 * A file in the making: written beside its place and moved there when it is complete, so that nobody sees half of it. Its
 * permissions are those of any new file of this process (the umask). What is not moved is deleted by {@link #close}, or when
 * this process ends.
 *
 * <p>Belongs to one thread.
 */
public final class PartialFile implements Closeable {

    /** Of the name in the partial file's: file systems limit names to 255 bytes. */
    private static final int NAME_CHARS = 40;

    private final Path path;
    private boolean moved;

    private PartialFile(Path path) {
        this.path = path;
    }

    /** Writes the file that it is given. */
    public interface Writer {
        void write(Path file) throws IOException;
    }

    /**
     * Creates an empty file.
     *
     * @param folder that the complete file will be in
     * @param name of the complete file, or what it is
     * @param attributes such as permissions, if not the usual ones
     * @throws IOException if the folder cannot be written to
     */
    public static PartialFile in(Path folder, String name, FileAttribute<?>... attributes) throws IOException {
        String start = "." + name.substring(0, Math.min(NAME_CHARS, name.length())) + ".";
        while (true) {
            String random = Long.toHexString(ThreadLocalRandom.current().nextLong());
            try {
                Path path = Files.createFile(folder.resolve(start + random + ".partial"), attributes);
                // where this process is asked to end meanwhile
                path.toFile().deleteOnExit();
                return new PartialFile(path);
            } catch (FileAlreadyExistsException e) {
                // another name, then
                Thread.onSpinWait();
            }
        }
    }

    /**
     * Writes or replaces a file.
     *
     * @throws IOException if it cannot be written; what was there before is still there
     */
    public static void write(Path target, Writer writer) throws IOException {
        Path absolute = target.toAbsolutePath();
        try (PartialFile partial =
                in(absolute.getParent(), absolute.getFileName().toString())) {
            writer.write(partial.path());
            partial.moveTo(target);
        }
    }

    /** Where it is until it is moved. */
    public Path path() {
        return path;
    }

    /**
     * Moves the complete file to its place, in one step.
     *
     * @param target in the same folder, or on the same file system
     */
    public void moveTo(Path target) throws IOException {
        Files.move(path, target, StandardCopyOption.ATOMIC_MOVE);
        moved = true;
    }

    /** Deletes the file, unless it has been moved. */
    @Override
    public void close() throws IOException {
        if (!moved) {
            Files.deleteIfExists(path);
        }
    }
}
