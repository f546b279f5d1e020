package org.phantom4j.comm.cuda;

import com.sun.jna.Pointer;

/** A block of the current device's memory, aligned to 256 bytes. Owned by who made it; freed by {@link #close}. */
public final class DeviceMemory implements AutoCloseable {

    private final long address;
    private final long bytes;
    private boolean closed;

    private DeviceMemory(long address, long bytes) {
        this.address = address;
        this.bytes = bytes;
    }

    /**
     * Allocates; the contents are undefined.
     *
     * @throws CudaException if the device has no such block left; the message says what is free
     */
    public static DeviceMemory allocate(long bytes) {
        long[] address = new long[1];
        int status = CudaDriver.cuMemAlloc_v2(address, Math.max(bytes, 1));
        if (status == CudaException.OUT_OF_MEMORY) {
            long[] free = new long[1];
            long[] total = new long[1];
            CudaDriver.cuMemGetInfo_v2(free, total);
            throw new CudaException(
                    String.format(
                            "the device has no room for %,d bytes: %,d of its %,d are free; use a smaller width or"
                                    + " batch, or more ranks",
                            bytes, free[0], total[0]),
                    status);
        }
        CudaDriver.check("cuMemAlloc", status);
        return new DeviceMemory(address[0], bytes);
    }

    /** The device pointer. */
    public long address() {
        return address;
    }

    /** Its size. */
    public long bytes() {
        return bytes;
    }

    /** The address of native host memory. */
    public static long addressOf(Pointer host) {
        return Pointer.nativeValue(host);
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            CudaDriver.cuMemFree_v2(address);
        }
    }
}
