package org.phantom4j.ops.cache;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Small files of one kind that are worth keeping from one run to the next, each a {@link CheckedFile}. Where there are too many, those
 * that were used longest ago go. A cache that cannot be read or written is done without.
 *
 * <p>May be used by several threads and processes at once.
 */
public final class UserCache {

    /** The property that says where all caches are; otherwise it is {@code .phantom4j} in the user's home. */
    public static final String PROPERTY = "phantom4j.cache";

    /** The property that, if it is "true", lets a process use only what it has made itself: all is made anew, once. */
    public static final String RENEW = "phantom4j.cache.renew";

    /** Files of a kind, and bytes, that are kept. */
    private static final Limit LIMIT = new Limit(4096, 64L << 20);

    /** What is left of a write after that time is no file that is being written. */
    private static final Duration ABANDONED = Duration.ofHours(1);

    private static final Logger LOG = LoggerFactory.getLogger(UserCache.class);
    private static final int KEY_DIGITS = 32;

    /** What this process has written. */
    private static final Set<Path> OWN = ConcurrentHashMap.newKeySet();

    /** How much is kept. */
    record Limit(int files, long bytes) {}

    private record Kept(Path file, BasicFileAttributes attributes) {}

    private final Path folder;
    private final Limit limit;
    private long bytesBeforeCleaning;
    private int filesBeforeCleaning;

    private UserCache(Path folder, Limit limit) {
        this.folder = folder;
        this.limit = limit;
    }

    /** The files of one kind, which is the name of a folder. */
    public static UserCache of(String kind) {
        return of(kind, LIMIT);
    }

    static UserCache of(String kind, Limit limit) {
        return new UserCache(root().resolve(kind), limit);
    }

    /** The folder of all caches, which need not exist yet. */
    public static Path root() {
        String root = System.getProperty(PROPERTY);
        return root != null ? Path.of(root) : Path.of(System.getProperty("user.home"), ".phantom4j");
    }

    /** What is kept under a name: whole, and as it was written. */
    public Optional<byte[]> read(String name) {
        Path file = folder.resolve(name).toAbsolutePath();
        if (Boolean.getBoolean(RENEW) && !OWN.contains(file)) {
            return Optional.empty();
        }
        try {
            Optional<byte[]> content = CheckedFile.read(file);
            if (content.isPresent()) {
                used(file);
            }
            return content;
        } catch (IOException e) {
            LOG.warn("cannot read from {}: {}", folder, e.toString());
            return Optional.empty();
        }
    }

    /** A file's time is that of its last use. */
    private static void used(Path file) {
        try {
            Files.setLastModifiedTime(file, FileTime.from(Instant.now()));
        } catch (IOException e) {
            // deleted meanwhile, or another user's: it is as old as it was
            LOG.debug("cannot say that {} was used", file, e);
        }
    }

    /** Keeps bytes under a name: whole, or not at all. */
    public void write(String name, byte[] content) {
        try {
            Files.createDirectories(folder);
            Path file = folder.resolve(name).toAbsolutePath();
            CheckedFile.write(file, content);
            OWN.add(file);
            makeRoom(content.length);
        } catch (IOException | UncheckedIOException e) {
            LOG.warn("cannot keep {} in {}: {}", name, folder, e.toString());
        }
    }

    /** Looks at the folder only when it may be too full. */
    private synchronized void makeRoom(long bytesMore) throws IOException {
        filesBeforeCleaning--;
        bytesBeforeCleaning -= bytesMore;
        if (filesBeforeCleaning >= 0 && bytesBeforeCleaning >= 0) {
            return;
        }
        List<Kept> kept = kept();
        int files = kept.size();
        long bytes = kept.stream().mapToLong(one -> one.attributes.size()).sum();
        boolean clean = files > limit.files || bytes > limit.bytes;
        // down to seven eighths, so that not each write has to clean
        long filesLeft = clean ? limit.files - limit.files / 8 : limit.files;
        long bytesLeft = clean ? limit.bytes - limit.bytes / 8 : limit.bytes;
        for (Kept oldest : kept) {
            if (files <= filesLeft && bytes <= bytesLeft) {
                break;
            }
            Files.deleteIfExists(oldest.file);
            files--;
            bytes -= oldest.attributes.size();
        }
        filesBeforeCleaning = limit.files - files;
        bytesBeforeCleaning = limit.bytes - bytes;
    }

    /** The files, those used longest ago first; without what a process left behind that was ended while it wrote. */
    private List<Kept> kept() throws IOException {
        Instant abandoned = Instant.now().minus(ABANDONED);
        List<Kept> kept = new ArrayList<>();
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : (Iterable<Path>) files::iterator) {
                try {
                    Kept one = new Kept(file, Files.readAttributes(file, BasicFileAttributes.class));
                    if (!file.toString().endsWith(".partial")) {
                        kept.add(one);
                    } else if (one.attributes.lastModifiedTime().toInstant().isBefore(abandoned)) {
                        Files.deleteIfExists(file);
                    }
                } catch (NoSuchFileException e) {
                    LOG.debug("another process has deleted {}", file);
                }
            }
        }
        kept.sort(Comparator.comparing(one -> one.attributes.lastModifiedTime()));
        return kept;
    }

    /** A name for what texts determine. */
    public static String key(String... texts) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            for (String text : texts) {
                digest.update(text.getBytes(StandardCharsets.UTF_8));
                digest.update((byte) 0);
            }
            return HexFormat.of().formatHex(digest.digest()).substring(0, KEY_DIGITS);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
