package org.phantom4j.layers.gpu.feed;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;

/** Threads that gather rows into memory that the device copies from. One thread at a time asks for it, and takes part. */
final class RowGather implements AutoCloseable {

    /** Less is not worth another thread's waking. */
    private static final long PIECE_BYTES = 256 << 10;

    private final int threads;
    private final ExecutorService helpers;

    /** With that many threads, the asking one among them. */
    RowGather(int threads) {
        this.threads = threads;
        this.helpers = threads == 1 ? null : Threads.pool(threads - 1, "feed-gather");
    }

    /**
     * Writes a batch's columns. Returns when all is written, even if the thread is interrupted meanwhile.
     *
     * @param order row numbers; null: rows one after the other
     * @param first the batch's first place in the order, or its first row
     */
    void gather(SourceRows source, int[] order, long first, long rows, long column, RealBlock to) {
        int pieces = (int) Math.max(1, Math.min(Math.min(threads, rows), rows * to.rowBytes() / PIECE_BYTES));
        List<Future<?>> others = new ArrayList<>(pieces - 1);
        Throwable failure = null;
        try {
            for (int i = 1; i < pieces; i++) {
                long from = rows * i / pieces;
                long end = rows * (i + 1) / pieces;
                others.add(helpers.submit(() -> source.write(order, first, from, end, column, to)));
            }
            source.write(order, first, 0, rows / pieces, column, to);
        } finally {
            for (Future<?> other : others) {
                Throwable thrown = finish(other);
                failure = failure == null ? thrown : failure;
            }
        }
        if (failure != null) {
            throw new IllegalStateException("cannot gather a batch's rows: " + failure, failure);
        }
    }

    /** Waits for a piece, whatever happens: the memory must not be given away while it is written to. */
    private static Throwable finish(Future<?> piece) {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    piece.get();
                    return null;
                } catch (InterruptedException e) {
                    interrupted = true;
                } catch (ExecutionException e) {
                    return e.getCause();
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @Override
    public void close() {
        if (helpers != null) {
            Threads.end(helpers);
        }
    }
}
