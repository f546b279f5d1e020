package org.phantom4j.layers.matrix;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;

/**
 * Rows in which every two options of two dimensions meet at least once: greedy, each row the best of some random ones. The
 * same seed gives the same rows.
 */
final class Pairs {

    private static final int CANDIDATES = 30;

    private final int[] sizes;
    private final Random random;

    /** For each pair of dimensions, which pairs of options have not met. */
    private final BitSet[][] open;

    private int left;

    private Pairs(int[] sizes, long seed) {
        this.sizes = sizes.clone();
        this.random = new Random(seed);
        this.open = new BitSet[sizes.length][sizes.length];
        for (int a = 0; a < sizes.length; a++) {
            for (int b = a + 1; b < sizes.length; b++) {
                open[a][b] = new BitSet();
                open[a][b].set(0, sizes[a] * sizes[b]);
                left += sizes[a] * sizes[b];
            }
        }
    }

    /** Rows of one option's index a dimension. */
    static List<int[]> rows(int[] sizes, long seed) {
        Pairs pairs = new Pairs(sizes, seed);
        List<int[]> rows = new ArrayList<>();
        while (pairs.left > 0) {
            rows.add(pairs.next());
        }
        return rows;
    }

    private int[] next() {
        int[] best = null;
        int most = 0;
        while (best == null) {
            for (int i = 0; i < CANDIDATES; i++) {
                int[] row = candidate();
                int met = meet(row, false);
                if (met > most) {
                    best = row;
                    most = met;
                }
            }
        }
        left -= meet(best, true);
        return best;
    }

    /** A pair that has not met, and the rest at random. */
    private int[] candidate() {
        int[] row = new int[sizes.length];
        for (int d = 0; d < row.length; d++) {
            row[d] = random.nextInt(sizes[d]);
        }
        int skip = random.nextInt(left);
        for (int a = 0; a < row.length; a++) {
            for (int b = a + 1; b < row.length; b++) {
                int count = open[a][b].cardinality();
                if (skip < count) {
                    int pair = open[a][b].nextSetBit(0);
                    for (int i = 0; i < skip; i++) {
                        pair = open[a][b].nextSetBit(pair + 1);
                    }
                    row[a] = pair / sizes[b];
                    row[b] = pair % sizes[b];
                    return row;
                }
                skip -= count;
            }
        }
        throw new AssertionError("more pairs are counted than there are");
    }

    /** How many pairs meet in this row for the first time. */
    private int meet(int[] row, boolean close) {
        int met = 0;
        for (int a = 0; a < row.length; a++) {
            for (int b = a + 1; b < row.length; b++) {
                int pair = row[a] * sizes[b] + row[b];
                if (open[a][b].get(pair)) {
                    met++;
                    open[a][b].set(pair, !close);
                }
            }
        }
        return met;
    }
}
