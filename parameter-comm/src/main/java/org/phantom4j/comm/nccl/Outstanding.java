package org.phantom4j.comm.nccl;

import org.phantom4j.comm.CommException;
import org.phantom4j.comm.cuda.CudaDevice;
import org.phantom4j.comm.cuda.CudaEvent;

/**
 * The collectives of a communicator that are in its stream but may not be done, so that their deadlines can be watched. They
 * end in the order in which they started.
 */
final class Outstanding implements NcclWatch.Watched, AutoCloseable {

    /** How many there can be; the next one then waits for the first. */
    private static final int SLOTS = 256;

    private final NcclGroup group;
    private final CudaDevice device;
    private final long timeoutNs;
    private final CudaEvent[] done = new CudaEvent[SLOTS];
    private final long[] calls = new long[SLOTS];
    private final long[] startedNs = new long[SLOTS];
    private long started;
    private long ended;
    private boolean bound;
    private boolean closed;

    Outstanding(NcclGroup group) {
        this.group = group;
        this.device = group.device();
        this.timeoutNs = group.timeout().toNanos();
        for (int i = 0; i < SLOTS; i++) {
            done[i] = CudaEvent.create();
        }
    }

    /** Marks the end of the stream's newest collective. */
    CudaEvent add(long stream) {
        while (isFull()) {
            group.check();
            Thread.onSpinWait();
        }
        synchronized (this) {
            int slot = (int) (started % SLOTS);
            done[slot].record(stream);
            calls[slot] = group.lastCall();
            startedNs[slot] = System.nanoTime();
            started++;
            return done[slot];
        }
    }

    private synchronized boolean isFull() {
        forgetDone();
        return started - ended == SLOTS;
    }

    private void forgetDone() {
        while (ended < started && done[(int) (ended % SLOTS)].isDone()) {
            ended++;
        }
    }

    @Override
    public synchronized CommException trouble(long nowNs) {
        if (closed) {
            return null;
        }
        if (!bound) {
            device.bind();
            bound = true;
        }
        forgetDone();
        int oldest = (int) (ended % SLOTS);
        return ended < started && nowNs - startedNs[oldest] > timeoutNs ? group.overdue(calls[oldest]) : null;
    }

    @Override
    public void giveUp() {
        // the group ends what is in the stream
        Thread.onSpinWait();
    }

    @Override
    public synchronized void close() {
        closed = true;
        for (CudaEvent event : done) {
            event.close();
        }
    }
}
