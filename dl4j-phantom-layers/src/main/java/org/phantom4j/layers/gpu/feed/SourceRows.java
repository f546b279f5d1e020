package org.phantom4j.layers.gpu.feed;

import com.sun.jna.Pointer;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.phantom4j.comm.DenseArrays;

/**
 * An array's rows in host memory, as any number of threads read them at once: float, double, int and unsigned byte as they lie,
 * other types as doubles.
 */
final class SourceRows {

    /** Buffers have int positions. */
    private static final long SEGMENT_BYTES = 1 << 30;

    /** Keeps the memory from being freed. */
    private final INDArray array;

    private final long pitch;
    private final int rowsPerSegment;
    private final Buffer[] segments;

    private SourceRows(INDArray array) {
        this.array = array;
        int bytes = array.dataType().width();
        long rows = array.size(0);
        this.pitch = rows == 1 ? array.size(1) : array.stride(0);
        this.rowsPerSegment = (int) Math.max(1, Math.min(rows, SEGMENT_BYTES / (pitch * bytes)));
        this.segments = new Buffer[(int) ((rows + rowsPerSegment - 1) / rowsPerSegment)];
        Pointer memory = new Pointer(DenseArrays.hostAddress(array));
        for (int i = 0; i < segments.length; i++) {
            long first = (long) i * rowsPerSegment;
            long count = Math.min(rowsPerSegment, rows - first);
            // a view's last row may end before the pitch does
            long length = ((count - 1) * pitch + array.size(1)) * bytes;
            segments[i] = typed(memory.getByteBuffer(first * pitch * bytes, length), array.dataType());
        }
    }

    /** Of [rows, width]; a copy only where rows do not lie one behind the other, or the type is another. */
    static SourceRows of(INDArray array) {
        INDArray typed = isRead(array.dataType()) ? array : array.castTo(DataType.DOUBLE);
        boolean adjoining = typed.size(1) == 1 || typed.stride(1) == 1;
        boolean apart = typed.size(0) == 1 || typed.stride(0) >= typed.size(1);
        return new SourceRows(adjoining && apart ? typed : typed.dup('c'));
    }

    private static boolean isRead(DataType type) {
        return type == DataType.FLOAT || type == DataType.DOUBLE || type == DataType.INT32 || type == DataType.UINT8;
    }

    private static Buffer typed(ByteBuffer memory, DataType type) {
        ByteBuffer bytes = memory.order(ByteOrder.nativeOrder());
        if (type == DataType.FLOAT) {
            return bytes.asFloatBuffer();
        }
        if (type == DataType.DOUBLE) {
            return bytes.asDoubleBuffer();
        }
        return type == DataType.INT32 ? bytes.asIntBuffer() : bytes;
    }

    long rows() {
        return array.size(0);
    }

    long width() {
        return array.size(1);
    }

    /**
     * Writes columns of some of the batch's rows.
     *
     * @param order row numbers; null: rows one after the other
     * @param first the batch's first place in the order, or its first row
     * @param from the batch's row to begin with
     * @param end the row after the last
     * @param column the first column; as many as the block is wide
     */
    void write(int[] order, long first, long from, long end, long column, RealBlock to) {
        for (long i = from; i < end; i++) {
            long row = order == null ? first + i : order[(int) (first + i)];
            int at = (int) (row % rowsPerSegment * pitch + column);
            to.putRow(i, segments[(int) (row / rowsPerSegment)], at);
        }
    }
}
