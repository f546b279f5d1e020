package org.phantom4j.comm.aeron;

/**
 * How addends that come one after another are added in pairs: the sum of lo to hi − 1 is that of lo to mid − 1 plus that of
 * mid to hi − 1. Sums lie on levels; level 0 is the whole. An addend starts the sum of its level or is added to it; after
 * it, the sums that it completes are each added to the one a level lower.
 */
final class PairOrder {

    private final int[] level;
    private final boolean[] adds;
    private final int[] folds;
    private int levels = 1;

    PairOrder(int size) {
        level = new int[size];
        adds = new boolean[size];
        folds = new int[size];
        arrange(0, size, 0);
    }

    private void arrange(int from, int to, int on) {
        levels = Math.max(levels, on + 1);
        int middle = (from + to) >>> 1;
        if (middle == from) {
            level[from] = on;
            return;
        }
        arrange(from, middle, on);
        if (to - middle == 1) {
            level[middle] = on;
            adds[middle] = true;
        } else {
            arrange(middle, to, on + 1);
            folds[to - 1]++;
        }
    }

    /** The number of levels. */
    int levels() {
        return levels;
    }

    /** The level of the sum that an addend goes to. */
    int level(int addend) {
        return level[addend];
    }

    /** Whether an addend is added to that sum; else it is the first of it. */
    boolean adds(int addend) {
        return adds[addend];
    }

    /** How many sums are complete after an addend, each to be added to the one a level lower. */
    int folds(int addend) {
        return folds[addend];
    }
}
