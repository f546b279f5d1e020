package org.phantom4j.layers.gpu.feed;

import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import org.phantom4j.layers.train.ShuffledRows;

/** The orders of epochs, each made by a thread of its own while the epoch before is under way. */
final class EpochOrders implements AutoCloseable {

    private final int rows;
    private final long seed;
    private final ExecutorService maker = Threads.pool(1, "feed-order");
    private long ahead = -1;
    private Future<int[]> order;

    EpochOrders(int rows, long seed) {
        this.rows = rows;
        this.seed = seed;
    }

    /** Starts to make an epoch's order. */
    void prepare(long epoch) {
        if (epoch != ahead) {
            ahead = epoch;
            order = maker.submit(() -> ShuffledRows.ofEpoch(rows, seed, epoch));
        }
    }

    /** Whether an epoch's order is made. */
    boolean isReady(long epoch) {
        return epoch == ahead && order.isDone();
    }

    /** An epoch's order; waits until it is made, which takes some 20 ns a sample. */
    int[] take(long epoch) {
        prepare(epoch);
        try {
            return order.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while epoch " + epoch + " was shuffled", e);
        } catch (ExecutionException e) {
            throw new IllegalStateException("cannot shuffle epoch " + epoch + ": " + e.getCause(), e.getCause());
        }
    }

    @Override
    public void close() {
        Threads.end(maker);
    }
}
