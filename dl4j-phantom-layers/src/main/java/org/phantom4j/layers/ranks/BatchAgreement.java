package org.phantom4j.layers.ranks;

import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.comm.Communicator;

/**
 * Compares the batches of a group of ranks. Each rank takes the fingerprint of every batch, and a small all-gather compares
 * those that were not compared yet: of each of the first batches on its own, then of so many that it costs at most a
 * hundredth of the time between them, {@value #WINDOW} at most. What the all-gather and the time between batches take is
 * measured by the ranks and exchanged, so that all of them draw the same conclusion. No batch goes unseen: a difference shows
 * itself later, and is named with its own iteration.
 *
 * <p>Belongs to the rank's thread.
 */
public final class BatchAgreement {

    /** Batches that are compared at once at most. */
    static final int WINDOW = 64;

    /** Batches at the beginning that are compared one by one. */
    private static final int FIRST = 8;

    /** Elements of an array in its fingerprint. */
    private static final int SAMPLES = 32;

    private static final double MOST = 0.01;

    /** How many batches, what the last comparison took, what a batch takes; then the fingerprints. */
    private static final int HEADER = 3;

    private static final int MESSAGE = HEADER + WINDOW;

    private final Communicator group;
    private final String member;
    private final boolean every;
    private final INDArray own = Nd4j.zeros(DataType.INT64, MESSAGE).detach();
    private final INDArray all;
    private final int[] iterations = new int[WINDOW];
    private final long[] prints = new long[WINDOW];
    private int pending;
    private int interval = 1;
    private long number;
    private long comparisonNs;
    private long endNs = System.nanoTime();

    /**
     * Makes the end of one rank. Not a collective; every rank of the group makes one.
     *
     * @param member what a rank of the group is called in messages
     */
    public BatchAgreement(Communicator group, String member) {
        this.group = group;
        this.member = member;
        this.every = Checks.chosen() == Checks.EVERY;
        this.all = Nd4j.zeros(DataType.INT64, (long) group.size() * MESSAGE).detach();
    }

    /** Whether the ranks of this group compare batches at all. */
    public static boolean isWanted(Communicator group) {
        return group.size() > 1 && Checks.chosen() != Checks.OFF;
    }

    /**
     * Takes the next batch. A collective of the group.
     *
     * @param trains whether the batch is for training; otherwise outputs are computed
     * @param iteration of the training
     * @param arrays what must be the same on all ranks; each may be null
     * @throws IllegalStateException if a rank has another batch
     */
    public void add(boolean trains, int iteration, INDArray[]... arrays) {
        BatchFingerprint print = new BatchFingerprint(number++);
        for (INDArray[] each : arrays) {
            print.add(SAMPLES, each);
        }
        iterations[pending] = iteration;
        prints[pending++] = (print.value() & ~1L) | (trains ? 1 : 0);
        if (pending >= interval) {
            compare();
        }
    }

    /** Compares what is left to be compared. A collective of the group. */
    public void finish() {
        if (pending > 0) {
            compare();
        }
    }

    private void compare() {
        long startNs = System.nanoTime();
        own.data().put(0, number);
        own.data().put(1, comparisonNs);
        own.data().put(2, (startNs - endNs) / pending);
        for (int i = 0; i < pending; i++) {
            own.data().put(HEADER + i, prints[i]);
        }
        group.stats().withoutCounting(() -> group.allGather(own, all));
        for (int i = 0; i < pending; i++) {
            require(i);
        }
        pending = 0;
        interval = nextInterval();
        endNs = System.nanoTime();
        comparisonNs = endNs - startNs;
    }

    /** The least that a rank needed is the cost: others waited, as they would have later. */
    private int nextInterval() {
        if (every || number < FIRST) {
            return 1;
        }
        long cost = Long.MAX_VALUE;
        long batch = 1;
        for (int rank = 0; rank < group.size(); rank++) {
            cost = Math.min(cost, of(rank, 1));
            batch = Math.max(batch, of(rank, 2));
        }
        return (int) Math.min(WINDOW, Math.max(1, Math.ceil(cost / (MOST * batch))));
    }

    private long of(int rank, int index) {
        return all.getLong((long) rank * MESSAGE + index);
    }

    private void require(int index) {
        long expected = of(0, HEADER + index);
        for (int rank = 1; rank < group.size(); rank++) {
            long print = of(rank, HEADER + index);
            if (of(rank, 0) != of(0, 0) || (print & 1) != (expected & 1)) {
                throw new IllegalStateException(
                        member + " " + rank + " " + doing(print, rank) + " where " + member + " 0 "
                                + doing(expected, 0) + ", at iteration " + iterations[index] + ": every " + member
                                + " must take the same path. Is one evaluating alone, or was a training stopped by its own clock?"
                                + " AgreedTermination lets all stop together");
            }
            if (print != expected) {
                throw new IllegalStateException(member + " " + rank + " got another batch than " + member + " 0 "
                        + ((print & 1) == 1 ? "at iteration " : "to compute outputs of, after iteration ")
                        + iterations[index] + ": every " + member
                        + " needs the same batches. Likely one iterator is shared"
                        + " by all, and each gets only some of its batches, or it shuffles without a seed: give each "
                        + member + " an iterator of its own, with the same seed");
            }
        }
    }

    private String doing(long print, int rank) {
        return ((print & 1) == 1 ? "trains" : "computes outputs") + " (batch " + of(rank, 0) + ")";
    }
}
