package org.phantom4j.data;

import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32;
import java.util.zip.ZipException;

/**
 * An IDX file, the format of MNIST: two zero bytes, the type, the number of dimensions, the dimensions as big-endian
 * integers, the big-endian values. Gzipped or not.
 *
 * @param type of the values
 * @param dimensions sizes, the number of items first
 * @param values the items' bytes one after another
 */
record IdxFile(Path file, Type type, List<Integer> dimensions, ByteBuffer values) {

    private static final long MAX_BYTES = Integer.MAX_VALUE - 8;

    /** What a value is: the code in the file, and bytes. */
    enum Type {
        UNSIGNED_BYTE(0x08, 1),
        SIGNED_BYTE(0x09, 1),
        SHORT(0x0B, 2),
        INT(0x0C, 4),
        FLOAT(0x0D, 4),
        DOUBLE(0x0E, 8);

        private final int code;
        private final int bytes;

        Type(int code, int bytes) {
            this.code = code;
            this.bytes = bytes;
        }

        static Type of(int code) {
            for (Type each : values()) {
                if (each.code == code) {
                    return each;
                }
            }
            return null;
        }
    }

    /** The number of items. */
    int items() {
        return dimensions.get(0);
    }

    /** Values of an item. */
    int itemSize() {
        return values.capacity() / type.bytes / items();
    }

    /** A value. */
    double value(int index) {
        return switch (type) {
            case UNSIGNED_BYTE -> values.get(index) & 0xFF;
            case SIGNED_BYTE -> values.get(index);
            case SHORT -> values.getShort(2 * index);
            case INT -> values.getInt(4 * index);
            case FLOAT -> values.getFloat(4 * index);
            case DOUBLE -> values.getDouble(8 * index);
        };
    }

    /**
     * Reads a file.
     *
     * @param checksum is updated with the file's bytes
     * @throws DataException if it is not such a file, or truncated
     */
    static IdxFile read(Path file, CRC32 checksum) {
        try (DataInputStream in = new DataInputStream(InputFile.open(file, checksum))) {
            int magic = in.readInt();
            int rank = magic & 0xFF;
            Type type = Type.of(magic >>> 8);
            if (type == null || rank < 1 || rank > 4) {
                throw new DataException(file + " is not an IDX file: it starts with " + String.format("%08x", magic)
                        + ", not 00000801 to 00000e04");
            }
            List<Integer> dimensions = new ArrayList<>();
            long length = type.bytes;
            for (int i = 0; i < rank; i++) {
                int dimension = in.readInt();
                dimensions.add(dimension);
                length = dimension < 1 || length > MAX_BYTES ? -1 : length * dimension;
                if (length < 1 || length > MAX_BYTES) {
                    throw new DataException(file + " is corrupt: it claims the dimensions " + dimensions);
                }
            }
            byte[] bytes = in.readNBytes((int) length);
            if (bytes.length < length) {
                throw new DataException(file + " is truncated: " + bytes.length / type.bytes + " of "
                        + length / type.bytes + " values are there");
            }
            return new IdxFile(file, type, List.copyOf(dimensions), ByteBuffer.wrap(bytes));
        } catch (EOFException | ZipException e) {
            throw new DataException(file + " is truncated or corrupt: " + e.getMessage(), e);
        } catch (IOException e) {
            throw new DataException("cannot read " + file + ": " + e.getMessage(), e);
        }
    }
}
