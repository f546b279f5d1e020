package org.phantom4j.ops.gpu;

import java.nio.ByteBuffer;
import org.phantom4j.comm.cuda.TensorMap;

/**
 * A gradient of a batch and its step, for all shards j of a rank: w[j] −= rate · x[j]ᵀ δ[j].
 *
 * @param x [batch, rows] of each shard, feature-major
 * @param xGap elements from shard to shard of x
 * @param delta [batch, columns] of each shard, feature-major
 * @param deltaGap elements from shard to shard of delta
 * @param weights from the first one on: [rows, columns] of each shard, column-major
 * @param gap elements from shard to shard of the weights
 * @param stride elements from column to column of the weights
 * @param rows of one shard's weights
 * @param columns of one shard's weights
 * @param shards how many
 * @param own rows that are left as they are
 */
public record ProductStep(
        long x,
        long xGap,
        long delta,
        long deltaGap,
        Parameter weights,
        long gap,
        long stride,
        long rows,
        long columns,
        int shards,
        OwnRows own) {

    /** What the batch, rows, columns' strides and gaps are multiples of. */
    public static final int MULTIPLE = 8;

    private static final int FACTOR_BYTES = 2;
    private static final int TILE_SAMPLES = 64;

    /**
     * Rows of decompressors that would be a shard's own: it has no weights for them. Column c has {@code count} of them, from
     * (first + c / columns) · count on.
     */
    public record OwnRows(int count, int first, int columns) {
        /** Every row is stepped. */
        public static final OwnRows NONE = new OwnRows(0, 0, 1);
    }

    /** Of one shard. */
    public static ProductStep of(long x, long delta, Parameter weights, long stride, long rows, long columns) {
        return new ProductStep(x, 0, delta, 0, weights, 0, stride, rows, columns, 1, OwnRows.NONE);
    }

    /** Whether one launch can do both. */
    public boolean isOfSameRows(ProductStep other) {
        return x == other.x && xGap == other.xGap && rows == other.rows && shards == other.shards;
    }

    /** Multiply-adds of the product. */
    public long multiplyAdds(long batch) {
        return batch * rows * columns * shards;
    }

    boolean isAligned(long batch) {
        long all = batch | rows | stride | gap | xGap | deltaGap | own.count();
        long addresses = x | delta | weights.address() | weights.lower();
        return all % MULTIPLE == 0
                && addresses % (MULTIPLE * FACTOR_BYTES) == 0
                && rows > 0
                && columns > 0
                && batch > 0;
    }

    /** As own_rows in update_product.cu. */
    void putOwn(ByteBuffer to) {
        to.putInt(own.count()).putInt(own.first()).putInt(own.columns());
    }

    /** How x comes to shared memory: two of each eight rows, of that many, as update_tiles.cu orders them. */
    byte[] mapOfX(long batch, int pieceRows) {
        long row = FACTOR_BYTES * batch;
        return TensorMap.ofBfloat16(
                x,
                new long[] {batch, 2, 4, rows / 8, shards},
                new long[] {row, 2 * row, 8 * row, shards == 1 ? rows * row : FACTOR_BYTES * xGap},
                new int[] {TILE_SAMPLES, 2, 1, pieceRows / 8, 1});
    }

    /** How delta does, in pieces of that many columns. */
    byte[] mapOfDelta(long batch, int pieceColumns) {
        long row = FACTOR_BYTES * batch;
        return TensorMap.ofBfloat16(
                delta,
                new long[] {batch, columns, shards},
                new long[] {row, shards == 1 ? columns * row : FACTOR_BYTES * deltaGap},
                new int[] {TILE_SAMPLES, pieceColumns, 1});
    }
}
