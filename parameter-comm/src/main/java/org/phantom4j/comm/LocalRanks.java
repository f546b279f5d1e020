package org.phantom4j.comm;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Runs the ranks of a group as threads of this JVM: the embedded default.
 *
 * <pre>{@code
 * List<Double> scores = LocalRanks.run(4, Duration.ofSeconds(60), communicator -> train());
 * }</pre>
 */
public final class LocalRanks {

    private LocalRanks() {}

    /** What one rank does; {@link RankContext#current()} is its communicator, too. */
    @FunctionalInterface
    public interface Body<T> {
        /**
         * Computes this rank's result.
         *
         * @throws Exception anything: the other ranks then fail at once with it as their cause
         */
        T run(Communicator communicator) throws Exception;
    }

    /**
     * Runs {@code body} on {@code size} ranks, each a thread of its own, rank 0 on the calling thread.
     *
     * @param timeout the deadline of every wait of a rank for others
     * @return what the ranks returned, in rank order
     * @throws Exception the first exception that a rank threw, when all ranks have ended
     */
    public static <T> List<T> run(int size, Duration timeout, Body<T> body) throws Exception {
        if (size < 1) {
            throw new IllegalArgumentException("ranks must be at least 1, not " + size);
        }
        LocalGroup group = new LocalGroup("local", size, timeout, null);
        List<T> results = new ArrayList<>();
        AtomicReference<Exception> first = new AtomicReference<>();
        List<Thread> threads = new ArrayList<>();
        for (int rank = 0; rank < size; rank++) {
            results.add(null);
        }
        for (int i = 1; i < size; i++) {
            int rank = i;
            // ranks read one another's arrays where they are: on a CUDA backend of ND4J, all must be on one device
            Runnable work = DenseArrays.onThisDevice(() -> runRank(group, rank, body, results, first));
            Thread thread = new Thread(work, "rank-" + rank);
            thread.setDaemon(true);
            threads.add(thread);
            thread.start();
        }
        runRank(group, 0, body, results, first);
        for (Thread thread : threads) {
            thread.join();
        }
        if (first.get() != null) {
            throw first.get();
        }
        return results;
    }

    private static <T> void runRank(
            LocalGroup group, int rank, Body<T> body, List<T> results, AtomicReference<Exception> first) {
        try (LocalCommunicator communicator = new LocalCommunicator(group, rank)) {
            try {
                T result = RankContext.call(communicator, () -> body.run(communicator));
                synchronized (results) {
                    results.set(rank, result);
                }
            } catch (Exception e) {
                first.compareAndSet(null, e);
                communicator.abort(e);
            } catch (Throwable e) {
                first.compareAndSet(null, new IllegalStateException("rank " + rank + " failed: " + e, e));
                communicator.abort(e);
            }
        }
    }
}
