package org.phantom4j.ops.cache;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.Optional;
import java.util.zip.CRC32C;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A small file that says whether it is whole: a header (what wrote it, the version of this format, the length of the content, a
 * checksum), then the content. The checksum covers the file's name, the header and the content; it finds damage, not forgery.
 */
public final class CheckedFile {

    private static final Logger LOG = LoggerFactory.getLogger(CheckedFile.class);

    /** "phantom4" as a number. */
    private static final long MAGIC = 0x7068616e746f6d34L;

    private static final int VERSION = 1;
    private static final int CHECKED_BYTES = Long.BYTES + Integer.BYTES + Long.BYTES;
    private static final int HEADER_BYTES = CHECKED_BYTES + Integer.BYTES;

    private CheckedFile() {}

    /**
     * The content of a file.
     *
     * @return nothing if there is no such file, or if it is not as it was written, which is logged
     */
    public static Optional<byte[]> read(Path file) throws IOException {
        if (!Files.isRegularFile(file)) {
            return Optional.empty();
        }
        byte[] all = Files.readAllBytes(file);
        String damage = damage(file, all);
        if (damage.isEmpty()) {
            return Optional.of(Arrays.copyOfRange(all, HEADER_BYTES, all.length));
        }
        LOG.warn("{} is made anew: {}", file, damage);
        return Optional.empty();
    }

    /** What is wrong with a file, in words; empty if nothing is. */
    private static String damage(Path file, byte[] all) {
        if (all.length < HEADER_BYTES) {
            return "it has " + all.length + " bytes, its header alone has " + HEADER_BYTES;
        }
        ByteBuffer header = ByteBuffer.wrap(all);
        if (header.getLong() != MAGIC) {
            return "it is no file of this project's";
        }
        int version = header.getInt();
        if (version != VERSION) {
            return "its format has version " + version + ", this program's " + VERSION;
        }
        long length = header.getLong();
        if (length != all.length - HEADER_BYTES) {
            return "it has " + (all.length - HEADER_BYTES) + " bytes of content, its header says " + length;
        }
        return header.getInt() == checksum(file, all) ? "" : "its checksum is wrong";
    }

    /** Writes a file: whole, or not at all. Its folder exists. */
    public static void write(Path file, byte[] content) throws IOException {
        byte[] all = new byte[HEADER_BYTES + content.length];
        ByteBuffer header = ByteBuffer.wrap(all);
        header.putLong(MAGIC).putInt(VERSION).putLong(content.length);
        System.arraycopy(content, 0, all, HEADER_BYTES, content.length);
        header.putInt(checksum(file, all));
        Path partial = Files.createTempFile(file.toAbsolutePath().getParent(), "." + name(file), ".partial");
        try {
            Files.write(partial, all);
            Files.move(partial, file, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(partial);
        }
    }

    private static int checksum(Path file, byte[] all) {
        CRC32C sum = new CRC32C();
        sum.update(name(file).getBytes(StandardCharsets.UTF_8));
        sum.update(all, 0, CHECKED_BYTES);
        sum.update(all, HEADER_BYTES, all.length - HEADER_BYTES);
        return (int) sum.getValue();
    }

    private static String name(Path file) {
        return file.getFileName().toString();
    }
}
