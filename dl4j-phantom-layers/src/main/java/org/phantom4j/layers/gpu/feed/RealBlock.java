package org.phantom4j.layers.gpu.feed;

import com.sun.jna.Pointer;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;

/**
 * Rows of reals one behind the other in native host memory, which somebody else owns. Threads may write different rows at the
 * same time.
 */
final class RealBlock {

    private static final long SEGMENT_BYTES = 1 << 30;

    private final int width;
    private final int rowsPerSegment;
    private final FloatBuffer[] floats;
    private final DoubleBuffer[] doubles;

    RealBlock(long address, long rows, int width, int realBytes) {
        this.width = width;
        long rowBytes = (long) width * realBytes;
        this.rowsPerSegment = (int) Math.max(1, Math.min(rows, SEGMENT_BYTES / rowBytes));
        int count = (int) ((rows + rowsPerSegment - 1) / rowsPerSegment);
        this.floats = realBytes == Float.BYTES ? new FloatBuffer[count] : null;
        this.doubles = realBytes == Double.BYTES ? new DoubleBuffer[count] : null;
        for (int i = 0; i < count; i++) {
            long first = (long) i * rowsPerSegment;
            ByteBuffer bytes = new Pointer(address)
                    .getByteBuffer(first * rowBytes, Math.min(rowsPerSegment, rows - first) * rowBytes)
                    .order(ByteOrder.nativeOrder());
            if (floats != null) {
                floats[i] = bytes.asFloatBuffer();
            } else {
                doubles[i] = bytes.asDoubleBuffer();
            }
        }
    }

    int width() {
        return width;
    }

    /** Bytes of a row. */
    long rowBytes() {
        return (long) width * (floats != null ? Float.BYTES : Double.BYTES);
    }

    /** Writes a row from values that start at an element of a buffer. */
    void putRow(long row, Buffer from, int at) {
        int segment = (int) (row / rowsPerSegment);
        int to = (int) (row % rowsPerSegment) * width;
        if (floats != null) {
            put(floats[segment], to, from, at);
        } else {
            put(doubles[segment], to, from, at);
        }
    }

    private void put(FloatBuffer to, int position, Buffer from, int at) {
        if (from instanceof FloatBuffer values) {
            to.put(position, values, at, width);
        } else if (from instanceof DoubleBuffer values) {
            for (int i = 0; i < width; i++) {
                to.put(position + i, (float) values.get(at + i));
            }
        } else if (from instanceof IntBuffer values) {
            for (int i = 0; i < width; i++) {
                to.put(position + i, values.get(at + i));
            }
        } else {
            ByteBuffer values = (ByteBuffer) from;
            for (int i = 0; i < width; i++) {
                to.put(position + i, values.get(at + i) & 0xFF);
            }
        }
    }

    private void put(DoubleBuffer to, int position, Buffer from, int at) {
        if (from instanceof DoubleBuffer values) {
            to.put(position, values, at, width);
        } else if (from instanceof FloatBuffer values) {
            for (int i = 0; i < width; i++) {
                to.put(position + i, values.get(at + i));
            }
        } else if (from instanceof IntBuffer values) {
            for (int i = 0; i < width; i++) {
                to.put(position + i, values.get(at + i));
            }
        } else {
            ByteBuffer values = (ByteBuffer) from;
            for (int i = 0; i < width; i++) {
                to.put(position + i, values.get(at + i) & 0xFF);
            }
        }
    }
}
