package org.phantom4j.cli.frame;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFileAttributeView;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import org.phantom4j.data.DataSource;
import org.phantom4j.ops.files.PartialFile;

/**
 * A file that an option names. A regular file is replaced in one step by a complete one, which keeps its permissions; a
 * symbolic link stays, and the file it leads to is replaced. Pipes and devices are written through when what goes there is
 * complete.
 */
public final class OutputFile {

    private static final int MOST_LINKS = 40;
    private static final int BUFFER_BYTES = 1 << 16;

    /** The longest that a pipe may take nothing. */
    private static final long STALL_S = 60;

    private OutputFile() {}

    /**
     * Refuses, before the work is done, a target that could not be written after it. A tilde at the start of its name is the
     * user's home folder.
     *
     * @param name may be null
     * @return null if {@code name} is
     */
    public static Path writable(String option, String name) {
        if (name == null) {
            return null;
        }
        Path target = DataSource.path(name);
        String wrong;
        try {
            wrong = whyNotWritable(destination(target));
        } catch (IOException e) {
            throw new UsageException("--" + option + " " + name + ": " + e.getMessage(), e);
        }
        if (wrong != null) {
            throw new UsageException("--" + option + " " + name + ": " + wrong
                    + "; expected a file in an existing folder that can be written to");
        }
        return target;
    }

    private static String whyNotWritable(Path destination) {
        if (Files.isDirectory(destination)) {
            return destination + " is a folder";
        }
        if (isWrittenThrough(destination)) {
            return Files.isWritable(destination) ? null : destination + " cannot be written to";
        }
        Path folder = destination.toAbsolutePath().getParent();
        if (folder == null || !Files.isDirectory(folder)) {
            return "there is no folder " + folder;
        }
        return Files.isWritable(folder) ? null : "the folder " + folder + " cannot be written to";
    }

    /**
     * Whether a target is a stream of the process that writes it, such as /dev/stdout: for a process that was started to be a
     * rank, that is another one, where lines get the rank's number.
     *
     * @param target may be null
     */
    public static boolean isOwnStream(Path target) {
        try {
            return target != null && isStreamName(destination(target));
        } catch (IOException e) {
            return false;
        }
    }

    /** Refuses a target that would be another one for a rank that is a process of its own; null is none. */
    public static void requireFileOfRanks(String option, Path target) {
        if (isOwnStream(target)) {
            throw new UsageException("--" + option + " " + target
                    + " is another stream for ranks that are processes: name a file or a pipe");
        }
    }

    /**
     * Writes or replaces {@code target}.
     *
     * @param writer writes a regular file, whatever the target is
     * @throws IOException if it cannot be written; a file that was there before is still there
     */
    public static void write(Path target, PartialFile.Writer writer) throws IOException {
        try {
            Path destination = destination(target);
            if (isWrittenThrough(destination)) {
                writeThrough(destination, writer);
            } else {
                PartialFile.write(destination, partial -> {
                    writer.write(partial);
                    keepPermissions(destination, partial);
                });
            }
        } catch (IOException | RuntimeException e) {
            throw new IOException("cannot write " + target + ": " + reason(e), e);
        }
    }

    private static String reason(Exception e) {
        return e.getMessage() == null ? e.toString() : e.getMessage();
    }

    /** Where links lead; a name for one of this process's own streams is the end of the way. */
    private static Path destination(Path target) throws IOException {
        Path destination = target.toAbsolutePath();
        for (int links = 0; Files.isSymbolicLink(destination) && !isStreamName(destination); links++) {
            if (links == MOST_LINKS) {
                throw new IOException("the link leads in a circle");
            }
            destination = destination.resolveSibling(Files.readSymbolicLink(destination));
        }
        return destination;
    }

    /** Whether it names a stream of this process, such as /dev/stdout, whatever that is. */
    private static boolean isStreamName(Path path) {
        String name = path.normalize().toString();
        return name.matches("/dev/(stdin|stdout|stderr|fd/\\d+)|/proc/(self|\\d+)/fd/\\d+");
    }

    private static boolean isWrittenThrough(Path destination) {
        return isStreamName(destination)
                || (Files.exists(destination) && !Files.isRegularFile(destination) && !Files.isDirectory(destination));
    }

    private static void keepPermissions(Path before, Path after) throws IOException {
        PosixFileAttributeView view = Files.getFileAttributeView(after, PosixFileAttributeView.class);
        if (view != null && Files.exists(before)) {
            view.setPermissions(Files.getPosixFilePermissions(before));
        }
    }

    private static void writeThrough(Path destination, PartialFile.Writer writer) throws IOException {
        Path complete = Files.createTempFile("phantom", ".partial");
        try {
            writer.write(complete);
            copy(complete, destination);
        } finally {
            Files.deleteIfExists(complete);
        }
    }

    /** Copies in a thread of its own: opening a pipe waits for its reader, and a write for its room. */
    private static void copy(Path complete, Path destination) throws IOException {
        AtomicLong written = new AtomicLong(-1);
        FutureTask<Void> copying = new FutureTask<>(() -> {
            try (InputStream in = Files.newInputStream(complete);
                    OutputStream out = open(destination)) {
                written.set(0);
                byte[] buffer = new byte[BUFFER_BYTES];
                for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                    out.write(buffer, 0, read);
                    written.addAndGet(read);
                }
                return null;
            }
        });
        Thread thread = new Thread(copying, "write-through");
        thread.setDaemon(true);
        thread.start();
        while (true) {
            long before = written.get();
            try {
                copying.get(STALL_S, TimeUnit.SECONDS);
                return;
            } catch (TimeoutException e) {
                if (written.get() == before) {
                    throw new IOException("nobody reads it: it took nothing for " + STALL_S + " s", e);
                }
            } catch (ExecutionException e) {
                throw e.getCause() instanceof IOException cause ? cause : new IOException(e.getCause());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IOException("interrupted", e);
            }
        }
    }

    private static OutputStream open(Path destination) throws IOException {
        return switch (destination.normalize().toString()) {
            case "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1" -> new KeptOpen(System.out);
            case "/dev/stderr", "/dev/fd/2", "/proc/self/fd/2" -> new KeptOpen(System.err);
            // a file behind such a name keeps what others have written to it
            default -> Files.newOutputStream(destination, StandardOpenOption.WRITE, StandardOpenOption.APPEND);
        };
    }

    /** A stream that is flushed, not closed. */
    private static final class KeptOpen extends FilterOutputStream {

        KeptOpen(OutputStream stream) {
            super(stream);
        }

        @Override
        public void write(byte[] bytes, int from, int count) throws IOException {
            out.write(bytes, from, count);
        }

        @Override
        public void close() throws IOException {
            flush();
        }
    }
}
