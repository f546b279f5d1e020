package org.phantom4j.data;

/** Which rows of a table are tested: the last of this order. */
public final class ShuffledRows {

    private ShuffledRows() {}

    public static int[] of(int rows, long seed) {
        return Batches.shuffled(rows, seed);
    }
}
