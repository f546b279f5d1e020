package org.phantom4j.comm.cuda;

import com.sun.jna.Memory;
import java.util.concurrent.locks.LockSupport;

/**
 * A queue of work of one device. Belongs to the device that was current when it was made; one thread at a time gives it
 * work.
 */
public final class CudaStream implements AutoCloseable {

    private static final int NON_BLOCKING = 1;
    private static final int MOST_URGENT = 5;
    private static final int NOT_READY = 600;
    private static final int CAPTURE_THREAD_LOCAL = 1;
    private static final long SPIN_NS = 2_000_000;
    private static final long PARK_NS = 20_000;

    private static final int COPY_2D_BYTES = 128;
    private static final int UNIFIED = 4;

    private final long handle;

    private CudaStream(long handle) {
        this.handle = handle;
    }

    /** A stream that does not wait for the device's default stream. */
    public static CudaStream create() {
        return create(0);
    }

    /** A stream whose kernels start before those of all others that wait. */
    public static CudaStream urgent() {
        return create(MOST_URGENT);
    }

    /**
     * Such a stream, more urgent than others: its kernels start before theirs where both wait.
     *
     * @param urgency 0, as others are, to 5
     */
    public static CudaStream create(int urgency) {
        long[] handle = new long[1];
        CudaDriver.check("cuStreamCreate", CudaDriver.cuStreamCreateWithPriority(handle, NON_BLOCKING, -urgency));
        return new CudaStream(handle[0]);
    }

    /** The driver's handle, which is the runtime's, too. */
    public long handle() {
        return handle;
    }

    /** Later work of this stream waits for the event. */
    public void await(CudaEvent event) {
        CudaDriver.check("cuStreamWaitEvent", CudaDriver.cuStreamWaitEvent(handle, event.handle(), 0));
    }

    /** Copies between any two of device and pinned host memory, in the stream's order. */
    public void copy(long to, long from, long bytes) {
        CudaDriver.check("cuMemcpyAsync", CudaDriver.cuMemcpyAsync(to, from, bytes, handle));
    }

    /** Copies rows that lie {@code fromPitch} bytes apart to where they lie {@code toPitch} bytes apart. */
    public void copyRows(long to, long toPitch, long from, long fromPitch, long rowBytes, long rows) {
        try (Memory copy = new Memory(COPY_2D_BYTES)) {
            copy.clear();
            copy.setInt(16, UNIFIED);
            copy.setLong(32, from);
            copy.setLong(48, fromPitch);
            copy.setInt(72, UNIFIED);
            copy.setLong(88, to);
            copy.setLong(104, toPitch);
            copy.setLong(112, rowBytes);
            copy.setLong(120, rows);
            CudaDriver.check("cuMemcpy2DAsync", CudaDriver.cuMemcpy2DAsync_v2(copy, handle));
        }
    }

    /** Sets bytes to zero, in the stream's order. */
    public void clear(long address, long bytes) {
        CudaDriver.check("cuMemsetD8Async", CudaDriver.cuMemsetD8Async(address, (byte) 0, bytes, handle));
    }

    /** Whether all its work is done. */
    public boolean isDone() {
        int status = CudaDriver.cuStreamQuery(handle);
        if (status == NOT_READY) {
            return false;
        }
        CudaDriver.check("cuStreamQuery", status);
        return true;
    }

    /**
     * Waits until all its work is done.
     *
     * @return false if it is not after that time
     */
    public boolean synchronize(long timeoutNs) {
        long began = System.nanoTime();
        while (!isDone()) {
            long waited = System.nanoTime() - began;
            if (waited > timeoutNs) {
                return false;
            }
            if (waited > SPIN_NS) {
                LockSupport.parkNanos(PARK_NS);
            } else {
                Thread.onSpinWait();
            }
        }
        return true;
    }

    /** From now on the stream's work is recorded, not done; so is that of streams that wait for its events. */
    public void beginCapture() {
        CudaDriver.check("cuStreamBeginCapture", CudaDriver.cuStreamBeginCapture_v2(handle, CAPTURE_THREAD_LOCAL));
    }

    /** Ends the recording. */
    public CudaGraph endCapture() {
        long[] graph = new long[1];
        CudaDriver.check("cuStreamEndCapture", CudaDriver.cuStreamEndCapture(handle, graph));
        return CudaGraph.instantiate(graph[0]);
    }

    /** Ends a recording that has failed, and forgets it. */
    public void abandonCapture() {
        long[] graph = new long[1];
        // a failed recording cannot be ended without an error
        int unused = CudaDriver.cuStreamEndCapture(handle, graph);
        if (graph[0] != 0) {
            CudaDriver.cuGraphDestroy(graph[0]);
        }
    }

    @Override
    public void close() {
        CudaDriver.cuStreamDestroy_v2(handle);
    }
}
