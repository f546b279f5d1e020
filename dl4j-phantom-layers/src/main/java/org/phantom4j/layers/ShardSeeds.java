package org.phantom4j.layers;

import org.nd4j.linalg.api.rng.Random;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Random numbers that do not depend on the number of ranks. All ranks draw one number from the generator that they have in
 * common; what is random in a shard comes from a seed made of that number and the shard; afterwards all ranks' generators
 * are in the same state again, whatever their shards drew.
 */
final class ShardSeeds implements AutoCloseable {

    private final Random random = Nd4j.getRandom();
    private final long common = random.nextLong();

    /** Seeds the thread's generator for one purpose of one shard. */
    void enter(int shard, int purpose) {
        random.setSeed(mix(mix(common + shard) + purpose));
    }

    @Override
    public void close() {
        random.setSeed(mix(common - 1));
    }

    /** A bijection of 64 bits in which every bit of the input reaches every bit of the output (SplitMix64's). */
    private static long mix(long value) {
        long z = value + 0x9E3779B97F4A7C15L;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
