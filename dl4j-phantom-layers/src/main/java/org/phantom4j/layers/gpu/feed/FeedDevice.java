package org.phantom4j.layers.gpu.feed;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.phantom4j.comm.cuda.CudaDevice;
import org.phantom4j.comm.cuda.CudaStream;

/**
 * Where a feed brings its batches, and with what means.
 *
 * @param device the rank's
 * @param main the stream whose work reads the batches
 * @param realBytes bytes of a value: 8 for double, 4 for float
 * @param timeout the longest wait for a batch, or for a copy
 * @param check throws if another rank has failed; called by the rank's thread while it waits
 * @param threads host threads that prepare batches, at least one
 */
public record FeedDevice(
        CudaDevice device, CudaStream main, int realBytes, Duration timeout, Runnable check, int threads) {

    private static final int MOST_THREADS = 8;
    private static final long SPIN_NS = 50_000;
    private static final long PARK_NS = 20_000;
    private static final long CHECK_NS = 5_000_000;

    /** Refuses what cannot be. */
    public FeedDevice {
        if (realBytes != Float.BYTES && realBytes != Double.BYTES) {
            throw new IllegalArgumentException("values of " + realBytes + " bytes: expected 4 or 8");
        }
        if (threads < 1) {
            throw new IllegalArgumentException(threads + " threads cannot prepare batches: expected at least one");
        }
    }

    /** Threads that prepare batches if nobody says how many: half of the processors, eight at most. */
    public static int defaultThreads() {
        return Math.max(1, Math.min(MOST_THREADS, Runtime.getRuntime().availableProcessors() / 2));
    }

    /**
     * Waits on the rank's thread.
     *
     * @param what is waited for, as the message names it
     * @throws IllegalStateException if the time is up, or the thread is interrupted
     */
    void await(BooleanSupplier done, String what) {
        await(done, what, check);
    }

    /** Waits on another thread, which asks nothing of other ranks. */
    void awaitAside(BooleanSupplier done, String what) {
        await(done, what, () -> {});
    }

    private void await(BooleanSupplier done, String what, Runnable meanwhile) {
        long began = System.nanoTime();
        long checked = began;
        while (!done.getAsBoolean()) {
            long now = System.nanoTime();
            if (Thread.currentThread().isInterrupted()) {
                throw new IllegalStateException("interrupted while waiting for " + what);
            }
            if (now - began > timeout.toNanos()) {
                throw new IllegalStateException(what + " is not there after " + timeout.toMillis()
                        + " ms: is its source or the device stuck, or the time limit too short?");
            }
            if (now - checked > CHECK_NS) {
                meanwhile.run();
                checked = now;
            }
            if (now - began > SPIN_NS) {
                LockSupport.parkNanos(PARK_NS);
            } else {
                Thread.onSpinWait();
            }
        }
    }
}
