package org.phantom4j.comm.cuda;

/** A point in a stream's work. Belongs to the device that was current when it was made. */
public final class CudaEvent implements AutoCloseable {

    private static final int DISABLE_TIMING = 2;
    private static final int NOT_READY = 600;

    private final long handle;

    private CudaEvent(long handle) {
        this.handle = handle;
    }

    /** For order alone: cheaper. */
    public static CudaEvent create() {
        return create(DISABLE_TIMING);
    }

    /** For {@link #millisecondsTo}, too. */
    public static CudaEvent timed() {
        return create(0);
    }

    private static CudaEvent create(int flags) {
        long[] handle = new long[1];
        CudaDriver.check("cuEventCreate", CudaDriver.cuEventCreate(handle, flags));
        return new CudaEvent(handle[0]);
    }

    /** The driver's handle. */
    public long handle() {
        return handle;
    }

    /** Marks what a stream has been given so far. */
    public void record(CudaStream stream) {
        record(stream.handle());
    }

    /** Marks what a stream, by its handle, has been given so far. */
    public void record(long stream) {
        CudaDriver.check("cuEventRecord", CudaDriver.cuEventRecord(handle, stream));
    }

    /** Later work of a stream, by its handle, waits for this event. */
    public void awaitIn(long stream) {
        CudaDriver.check("cuStreamWaitEvent", CudaDriver.cuStreamWaitEvent(stream, handle, 0));
    }

    /** Whether the work before it is done. */
    public boolean isDone() {
        int status = CudaDriver.cuEventQuery(handle);
        if (status == NOT_READY) {
            return false;
        }
        CudaDriver.check("cuEventQuery", status);
        return true;
    }

    /** Device time from this event to a later one; both were made with {@link #timed} and are done. */
    public float millisecondsTo(CudaEvent later) {
        float[] milliseconds = new float[1];
        CudaDriver.check("cuEventElapsedTime", CudaDriver.cuEventElapsedTime(milliseconds, handle, later.handle));
        return milliseconds[0];
    }

    @Override
    public void close() {
        CudaDriver.cuEventDestroy_v2(handle);
    }
}
