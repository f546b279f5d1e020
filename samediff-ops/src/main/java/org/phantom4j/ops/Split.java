package org.phantom4j.ops;

import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.phantom4j.comm.CommStats;

/**
 * A width of {@code length} neurons cut into {@code shards} near-even slices: the first {@code length mod shards} are one
 * wider.
 */
public record Split(long length, int shards) {

    /** @throws IllegalArgumentException if a shard would be empty */
    public Split {
        if (shards < 1 || length < shards) {
            throw new IllegalArgumentException("a width of " + length + " cannot be cut into " + shards
                    + " shards: every shard needs at least one neuron");
        }
    }

    /** Neurons of shard {@code shard}. */
    public long width(int shard) {
        return CommStats.nearEvenBlock(length, shards, shard);
    }

    /** The first neuron of shard {@code shard}; {@code offset(shards)} is the length. */
    public long offset(int shard) {
        return CommStats.nearEvenStart(length, shards, shard);
    }

    /** Neurons of all shards of a rank. */
    public long width(ShardRange own) {
        return offset(own.end()) - offset(own.first());
    }

    /** Elements of each of {@code ranks} ranks when every neuron has {@code rows} values. */
    public long[] counts(int ranks, long rows) {
        return IntStream.range(0, ranks)
                .mapToLong(rank -> rows * width(ShardRange.of(rank, ranks, shards)))
                .toArray();
    }

    /** Widths of all shards. */
    public LongStream widths() {
        return IntStream.range(0, shards).mapToLong(this::width);
    }
}
