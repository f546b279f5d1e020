package org.phantom4j.cli.gpus;

import org.phantom4j.comm.cuda.CudaDevice;

/**
 * The memory of a rank's GPU as its driver counts it, for what one program takes of it: what is in use at the program's peak,
 * less what is still in use when the program has freed its memory. That rest is CUDA's context, the code of its libraries,
 * NCCL's buffers, and whatever other processes hold, which must not change meanwhile. Keeps the context alive.
 */
public final class GpuMemory implements AutoCloseable {

    /**
     * What one program took.
     *
     * @param peakBytes of the program
     * @param restBytes in use beside it
     */
    public record Use(long peakBytes, long restBytes) {}

    private final CudaDevice device;
    private long peak;

    private GpuMemory(CudaDevice device) {
        this.device = device;
    }

    /** Of the GPU of that number. */
    public static GpuMemory open(int ordinal) {
        return new GpuMemory(CudaDevice.open(ordinal));
    }

    private long used() {
        return device.totalBytes() - device.freeBytes();
    }

    /** To be called while the program holds its memory. */
    public void sample() {
        peak = Math.max(peak, used());
    }

    /** To be called when the program has freed its memory. */
    public Use use() {
        long rest = used();
        return new Use(peak - rest, rest);
    }

    @Override
    public void close() {
        device.close();
    }
}
