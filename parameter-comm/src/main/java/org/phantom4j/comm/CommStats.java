package org.phantom4j.comm;

import java.util.EnumMap;
import java.util.Map;

/**
 * Calls and payload bytes of each collective on one rank, since the communicator was made.
 *
 * <p>Bytes are what a bandwidth-optimal algorithm sends from this rank, whatever algorithm ran, so that they can be
 * compared with a formula to the unit: an all-gather sends its part to each of the r − 1 others; a reduce-scatter sends
 * every block but its own; an all-reduce is a reduce-scatter and an all-gather of near-even blocks; a broadcast counts
 * at its root, r − 1 times. One rank alone sends nothing. Headers and retransmissions are not counted.
 *
 * <p>Written by the rank's own thread; other threads may read and see slightly old values.
 */
public final class CommStats {

    private final Map<Collective, long[]> counters = new EnumMap<>(Collective.class);
    private boolean counting = true;

    public CommStats() {
        for (Collective collective : Collective.values()) {
            counters.put(collective, new long[2]);
        }
    }

    /** Counts one call. For back ends. */
    public void count(Collective collective, long bytes) {
        if (!counting) {
            return;
        }
        long[] counter = counters.get(collective);
        counter[0]++;
        counter[1] += bytes;
    }

    /**
     * Runs what sends something beside the program's own payload, such as a comparison of what the ranks have, without
     * counting it. Called by the rank's own thread.
     */
    public void withoutCounting(Runnable body) {
        boolean before = counting;
        counting = false;
        try {
            body.run();
        } finally {
            counting = before;
        }
    }

    /** Calls of one collective. */
    public long calls(Collective collective) {
        return counters.get(collective)[0];
    }

    /** Payload bytes that one collective sent from this rank. */
    public long bytesSent(Collective collective) {
        return counters.get(collective)[1];
    }

    /** Payload bytes that all collectives sent from this rank. */
    public long bytesSent() {
        return counters.values().stream().mapToLong(c -> c[1]).sum();
    }

    /** Elements of block {@code index} when {@code length} elements are cut near-evenly: the first ones are longer. */
    public static long nearEvenBlock(long length, int blocks, int index) {
        return length / blocks + (index < length % blocks ? 1 : 0);
    }

    /** Where that block begins; with {@code index} as large as {@code blocks}, where the last one ends. */
    public static long nearEvenStart(long length, int blocks, int index) {
        return length / blocks * index + Math.min(index, length % blocks);
    }

    /** Elements that an all-reduce of {@code length} elements sends from {@code rank} of {@code size}. */
    public static long allReduceElements(long length, int rank, int size) {
        long own = nearEvenBlock(length, size, rank);
        return length - own + (size - 1) * own;
    }
}
