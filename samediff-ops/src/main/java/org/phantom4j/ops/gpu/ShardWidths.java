package org.phantom4j.ops.gpu;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.phantom4j.ops.ShardRange;
import org.phantom4j.ops.Split;

/**
 * How a rank's shards of a width lie on its device: each begins at a multiple of {@code stride}, which is a multiple of
 * {@value #MULTIPLE}, so that no product and no kernel meets an edge; what is between a shard's end and the next one's beginning
 * is zero, and stays zero.
 *
 * @param stride from shard to shard
 * @param base neurons of a shard
 * @param wide the first so many shards have one more
 * @param shards of the rank
 */
public record ShardWidths(int stride, int base, int wide, int shards) {

    /** What strides, batches and phantom widths are multiples of on the device. */
    public static final int MULTIPLE = 8;

    private static final int BYTES = 16;

    /** The next multiple of {@value #MULTIPLE}. */
    public static long padded(long count) {
        return (count + MULTIPLE - 1) / MULTIPLE * MULTIPLE;
    }

    /** Of the shards {@code own} of a split. */
    public static ShardWidths of(Split split, ShardRange own) {
        int base = Math.toIntExact(split.length() / split.shards());
        int wide = Math.toIntExact(split.length() % split.shards());
        int ownWide = Math.max(0, Math.min(wide, own.end()) - own.first());
        return new ShardWidths(Math.toIntExact(padded(split.width(0))), base, ownWide, own.count());
    }

    /** Of all shards of a split. */
    public static ShardWidths of(Split split) {
        return of(split, new ShardRange(0, split.shards()));
    }

    /** Of a width that is not cut. */
    public static ShardWidths whole(long width) {
        return of(new Split(width, 1));
    }

    /** Neurons of a shard. */
    public int width(int shard) {
        return base + (shard < wide ? 1 : 0);
    }

    /** All shards' neurons. */
    public long neurons() {
        return (long) base * shards + wide;
    }

    /** Places for all shards' neurons, with what is between them. */
    public long length() {
        return (long) stride * shards;
    }

    /** Blocks of a kernel that works on so many features of a shard at a time. */
    int blocks(int features) {
        return shards * Kernels.blocks(stride, features);
    }

    /** As kernels take it. */
    byte[] bytes() {
        return put(ByteBuffer.allocate(BYTES).order(ByteOrder.nativeOrder())).array();
    }

    ByteBuffer put(ByteBuffer to) {
        return to.putInt(stride).putInt(base).putInt(wide).putInt(shards);
    }
}
