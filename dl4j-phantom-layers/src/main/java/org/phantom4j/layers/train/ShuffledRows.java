package org.phantom4j.layers.train;

import java.util.Random;

/** The order in which an epoch takes samples: the same on every rank, machine and engine for the same seed. */
public final class ShuffledRows {

    private ShuffledRows() {}

    /** The numbers 0 to {@code size} − 1 in an order that depends on the seed alone. */
    public static int[] order(int size, long seed) {
        Random random = new Random(seed);
        int[] order = new int[size];
        for (int i = 0; i < size; i++) {
            int j = random.nextInt(i + 1);
            order[i] = order[j];
            order[j] = i;
        }
        return order;
    }

    /** The order of one epoch of a training. */
    public static int[] ofEpoch(int size, long seed, long epoch) {
        return order(size, seed + epoch);
    }
}
