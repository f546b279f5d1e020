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
        for (int i = 0; i < size; i++) {
            results.add(null);
            int rank = i;
            Runnable run = () -> {
                T result = runRank(new LocalCommunicator(group, rank), body, first);
                synchronized (results) {
                    results.set(rank, result);
                }
            };
            threads.add(new Thread(run, "rank-" + rank));
        }
        for (Thread thread : threads.subList(1, size)) {
            thread.setDaemon(true);
            thread.start();
        }
        threads.get(0).run();
        for (Thread thread : threads.subList(1, size)) {
            thread.join();
        }
        if (first.get() != null) {
            throw first.get();
        }
        return results;
    }

    private static <T> T runRank(LocalCommunicator communicator, Body<T> body, AtomicReference<Exception> first) {
        try {
            return RankContext.call(communicator, () -> body.run(communicator));
        } catch (Exception e) {
            first.compareAndSet(null, e);
            communicator.abort(e);
        } catch (Throwable e) {
            first.compareAndSet(null, new IllegalStateException("rank " + communicator.rank() + " failed: " + e, e));
            communicator.abort(e);
        } finally {
            communicator.close();
        }
        return null;
    }
}
