package org.phantom4j.ops.cuda.fatbin;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Bytes at given offsets of a file, bounds-checked. A library is hundreds of megabytes, of which a reader wants
 * headers here and there and one payload at a time: so nothing is mapped or kept.
 *
 * <p>May be read by several threads at once. Whoever opens a source closes it.
 */
public final class ByteSource implements Closeable {
    private final FileChannel channel;
    private final byte[] bytes;
    private final long size;

    private ByteSource(FileChannel channel, byte[] bytes, long size) {
        this.channel = channel;
        this.bytes = bytes;
        this.size = size;
    }

    /** Opens a file for reading; its size is taken now. */
    public static ByteSource open(Path file) throws IOException {
        FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
        return new ByteSource(channel, null, channel.size());
    }

    /** Reads from an array, which the caller leaves unchanged meanwhile. */
    public static ByteSource of(byte[] bytes) {
        return new ByteSource(null, bytes, bytes.length);
    }

    /** {@return the size in bytes} */
    public long size() {
        return size;
    }

    /**
     * Reads {@code length} bytes from {@code offset}.
     *
     * @return a little-endian buffer with an array of its own, from position 0
     * @throws BinaryFormatException if they do not all lie inside the file
     */
    public ByteBuffer read(long offset, long length) throws IOException {
        check(offset, length);
        if (length > Integer.MAX_VALUE - 8) {
            throw new BinaryFormatException(offset, length + " bytes in one piece are more than this reader holds");
        }
        ByteBuffer buffer = ByteBuffer.allocate((int) length).order(ByteOrder.LITTLE_ENDIAN);
        if (bytes != null) {
            buffer.put(bytes, (int) offset, (int) length);
        } else {
            while (buffer.hasRemaining()) {
                if (channel.read(buffer, offset + buffer.position()) < 0) {
                    throw new BinaryFormatException(offset + buffer.position(), "the file became shorter meanwhile");
                }
            }
        }
        return buffer.flip();
    }

    /** {@return the same as {@link #read}, as an array} */
    byte[] bytes(long offset, long length) throws IOException {
        ByteBuffer buffer = read(offset, length);
        byte[] copied = new byte[buffer.remaining()];
        buffer.get(copied);
        return copied;
    }

    /** Throws unless {@code length} bytes from {@code offset} lie inside the file. */
    void check(long offset, long length) throws BinaryFormatException {
        if (offset < 0 || length < 0 || length > size - offset) {
            throw new BinaryFormatException(
                    offset, String.format("%s bytes expected, the file ends at 0x%x", unsigned(length), size));
        }
    }

    private static String unsigned(long length) {
        return Long.toUnsignedString(length);
    }

    @Override
    public void close() throws IOException {
        if (channel != null) {
            channel.close();
        }
    }
}
