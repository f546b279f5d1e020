package org.phantom4j.ops.gpu;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Where some rows of a matrix lie among parameters on the device. Rows are in groups, such as a shard's: row r of column c is
 * at {@code first + c · stride + place · groupStride + r % group}, place being r / group, or one more from {@code leftOut} on.
 *
 * @param first of the first element
 * @param rows rows
 * @param columns columns
 * @param stride from column to column
 * @param group rows of a group
 * @param groupStride from group to group
 * @param leftOut the place that no group has; none if it is {@link #NONE}
 */
public record MatrixBlock(long first, long rows, long columns, long stride, long group, long groupStride, int leftOut) {

    /** No place is left out. */
    public static final int NONE = Integer.MAX_VALUE;

    private static final int BYTES = 32;

    /** Rows that follow one another. */
    public static MatrixBlock of(long first, long rows, long columns, long stride) {
        return new MatrixBlock(first, rows, columns, stride, rows, rows, NONE);
    }

    /** Some of the columns. */
    public MatrixBlock columns(long from, long count) {
        return new MatrixBlock(first + from * stride, rows, count, stride, group, groupStride, leftOut);
    }

    byte[] bytes() {
        return ByteBuffer.allocate(BYTES)
                .order(ByteOrder.nativeOrder())
                .putInt(Math.toIntExact(rows))
                .putInt(Math.toIntExact(columns))
                .putLong(stride)
                .putInt(Math.toIntExact(group))
                .putInt(Math.toIntExact(groupStride))
                .putInt(leftOut)
                .array();
    }
}
