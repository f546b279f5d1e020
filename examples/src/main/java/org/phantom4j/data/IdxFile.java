package org.phantom4j.data;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/**
 * An IDX file of unsigned bytes, the format of MNIST: two zero bytes, the type 0x08, the number of dimensions, the
 * dimensions as big-endian integers, the values. Gzipped or not.
 *
 * @param dimensions sizes, the number of items first
 * @param values the items' bytes one after another
 */
record IdxFile(int[] dimensions, byte[] values) {

    private static final int UNSIGNED_BYTES = 0x08;
    private static final long MAX_BYTES = Integer.MAX_VALUE - 8;

    /** Bytes of an item. */
    int itemBytes() {
        return values.length / dimensions[0];
    }

    /**
     * Reads a file.
     *
     * @throws DataException if it is not such a file, or truncated
     */
    static IdxFile read(Path file) {
        try (DataInputStream in = open(file)) {
            int magic = in.readInt();
            int rank = magic & 0xFF;
            if (magic >>> 8 != UNSIGNED_BYTES || rank < 1 || rank > 4) {
                throw new DataException(file + " is not an IDX file of unsigned bytes: it starts with "
                        + String.format("%08x", magic) + ", not 00000801 to 00000804");
            }
            int[] dimensions = new int[rank];
            long length = 1;
            for (int i = 0; i < rank; i++) {
                dimensions[i] = in.readInt();
                length = dimensions[i] < 1 ? -1 : Math.multiplyExact(length, (long) dimensions[i]);
                if (length < 1 || length > MAX_BYTES) {
                    throw new DataException(file + " is corrupt: it claims the dimensions "
                            + Arrays.toString(Arrays.copyOf(dimensions, i + 1)));
                }
            }
            byte[] values = in.readNBytes((int) length);
            if (values.length < length) {
                throw new DataException(
                        file + " is truncated: " + values.length + " of " + length + " values are there");
            }
            return new IdxFile(dimensions, values);
        } catch (EOFException | ZipException e) {
            throw new DataException(file + " is truncated or corrupt: " + e.getMessage(), e);
        } catch (IOException e) {
            throw new DataException("cannot read " + file + ": " + e.getMessage(), e);
        }
    }

    private static DataInputStream open(Path file) throws IOException {
        InputStream raw = new BufferedInputStream(Files.newInputStream(file));
        raw.mark(2);
        boolean gzipped = raw.read() == 0x1f && raw.read() == 0x8b;
        raw.reset();
        return new DataInputStream(new BufferedInputStream(gzipped ? new GZIPInputStream(raw) : raw));
    }
}
