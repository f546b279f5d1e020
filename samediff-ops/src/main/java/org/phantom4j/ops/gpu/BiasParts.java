package org.phantom4j.ops.gpu;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Room where blocks that have a part of the samples each leave their sums for biases, until the last of them adds these up. One
 * kernel uses it at a time.
 *
 * @param sums {@link #reals} reals
 * @param arrivals {@link #counters} ints, 0 before the first kernel
 */
public record BiasParts(long sums, long arrivals) {

    /** Parts of the samples. */
    private static final int MOST = 32;

    private static final int BYTES = 16;

    /** Reals for layers of at most so many places for neurons. */
    public static long reals(long length) {
        return MOST * length;
    }

    /** Counters for them. */
    public static long counters(long length) {
        // a shard's end is at least one block's
        return Kernels.blocks(length, ShardWidths.MULTIPLE);
    }

    /**
     * Into how many parts a kernel cuts the samples.
     *
     * @param rows of its grid
     * @param samples that a block works on at a time
     * @param blocks that would keep the device busy
     */
    static int count(int rows, long batch, int samples, int blocks) {
        int wanted = Math.min(MOST, Math.max(1, Kernels.blocks(blocks, rows)));
        return Kernels.blocks(batch, Kernels.blocks(Kernels.blocks(batch, samples), wanted) * samples);
    }

    byte[] bytes() {
        return ByteBuffer.allocate(BYTES)
                .order(ByteOrder.nativeOrder())
                .putLong(sums)
                .putLong(arrivals)
                .array();
    }
}
