package org.phantom4j.ops.gpu;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Small files that are worth keeping from one run to the next. A cache that cannot be written is done without. */
final class UserCache {

    private static final Logger LOG = LoggerFactory.getLogger(UserCache.class);
    private static final int KEY_DIGITS = 32;

    private final Path folder;

    /** The files of one kind, under -Dphantom4j.cache, ~/.phantom4j otherwise. */
    UserCache(String kind) {
        String root = System.getProperty("phantom4j.cache");
        this.folder =
                (root != null ? Path.of(root) : Path.of(System.getProperty("user.home"), ".phantom4j")).resolve(kind);
    }

    /** What is kept under a name; null if nothing is. */
    byte[] read(String name) {
        try {
            Path file = folder.resolve(name);
            return Files.isRegularFile(file) ? Files.readAllBytes(file) : null;
        } catch (IOException e) {
            LOG.warn("cannot read from {}: {}", folder, e.toString());
            return null;
        }
    }

    /** Keeps bytes under a name: whole, or not at all. */
    void write(String name, byte[] content) {
        try {
            Files.createDirectories(folder);
            Path partial = Files.createTempFile(folder, name, ".partial");
            try {
                Files.write(partial, content);
                Files.move(partial, folder.resolve(name), StandardCopyOption.ATOMIC_MOVE);
            } finally {
                Files.deleteIfExists(partial);
            }
        } catch (IOException e) {
            LOG.warn("cannot keep {} in {}: {}", name, folder, e.toString());
        }
    }

    /** A name for what texts determine. */
    static String key(String... texts) {
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
