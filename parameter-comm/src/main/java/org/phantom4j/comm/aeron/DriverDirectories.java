package org.phantom4j.comm.aeron;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.agrona.CloseHelper;
import org.agrona.IoUtil;
import org.phantom4j.comm.world.UserFolder;

/**
 * The directories of the media drivers that processes of this user start on this machine. A process holds a lock beside
 * its directory as long as it lives, however it ends; what nobody locks is a dead job's, and the next start deletes it.
 */
final class DriverDirectories {

    private static final String LOCK_SUFFIX = ".lock";

    /** Locks of this process: opening and closing such a file again would release its lock. */
    private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

    private DriverDirectories() {}

    /** A new directory's path, locked by this process until {@link #close()} deletes it. */
    static final class Claim implements AutoCloseable {
        final Path directory;
        private final Path lockFile;
        private final FileChannel channel;
        private final Thread atShutdown = new Thread(this::delete, "delete-driver-directory");

        private Claim(Path directory, Path lockFile, FileChannel channel) {
            this.directory = directory;
            this.lockFile = lockFile;
            this.channel = channel;
            // a process that is asked to end does not come to close()
            Runtime.getRuntime().addShutdownHook(atShutdown);
        }

        private void delete() {
            IoUtil.delete(directory.toFile(), true);
            // else the driver is making files still: the next start finds both
            if (Files.notExists(directory)) {
                IoUtil.delete(lockFile.toFile(), true);
            }
        }

        @Override
        public void close() {
            try {
                Runtime.getRuntime().removeShutdownHook(atShutdown);
            } catch (IllegalStateException e) {
                // the process ends: the hook runs already
                Thread.onSpinWait();
            }
            delete();
            CloseHelper.quietClose(channel);
            HELD.remove(lockFile);
        }
    }

    /** Claims a directory of this user's folder. */
    static Claim claim() {
        try {
            return claim(UserFolder.open());
        } catch (IOException e) {
            throw new UncheckedIOException("cannot make a directory for Aeron's media driver: " + e.getMessage(), e);
        }
    }

    /** Deletes what dead jobs left, and claims a directory. */
    static Claim claim(Path base) {
        try {
            deleteAbandoned(base);
            while (true) {
                Claim claim = tryClaim(base);
                if (claim != null) {
                    return claim;
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot make a directory for Aeron's media driver in " + base, e);
        }
    }

    /** Null if another process took the lock's file, not locked yet, for a dead job's. */
    private static Claim tryClaim(Path base) throws IOException {
        String name = "driver-" + UUID.randomUUID();
        Path lockFile = base.resolve(name + LOCK_SUFFIX);
        HELD.add(lockFile);
        FileChannel channel = FileChannel.open(lockFile, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        if (channel.tryLock() != null && Files.exists(lockFile)) {
            return new Claim(base.resolve(name), lockFile, channel);
        }
        channel.close();
        HELD.remove(lockFile);
        return null;
    }

    private static void deleteAbandoned(Path base) throws IOException {
        try (Stream<Path> files = Files.list(base)) {
            for (Path lockFile :
                    files.filter(file -> file.toString().endsWith(LOCK_SUFFIX)).toList()) {
                if (!HELD.contains(lockFile)) {
                    deleteIfAbandoned(lockFile);
                }
            }
        }
    }

    private static void deleteIfAbandoned(Path lockFile) throws IOException {
        try (FileChannel channel = FileChannel.open(lockFile, StandardOpenOption.WRITE);
                FileLock lock = channel.tryLock()) {
            if (lock != null) {
                String path = lockFile.toString();
                File directory = new File(path.substring(0, path.length() - LOCK_SUFFIX.length()));
                IoUtil.delete(directory, true);
                if (!directory.exists()) {
                    // while the lock is held: whoever locks this file later finds that it is gone
                    Files.deleteIfExists(lockFile);
                }
            }
        } catch (FileSystemException | OverlappingFileLockException e) {
            // another process or thread was faster, or this one may not
            Thread.onSpinWait();
        }
    }
}
