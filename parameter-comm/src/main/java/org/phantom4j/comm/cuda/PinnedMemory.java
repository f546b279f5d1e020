package org.phantom4j.comm.cuda;

import com.sun.jna.Pointer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Page-locked host memory, which the device can copy from and to while the host goes on. Owned by who made it. */
public final class PinnedMemory implements AutoCloseable {

    private static final int PORTABLE = 1;

    private final long address;
    private final long bytes;
    private boolean closed;

    private PinnedMemory(long address, long bytes) {
        this.address = address;
        this.bytes = bytes;
    }

    /** Allocates; the contents are undefined. */
    public static PinnedMemory allocate(long bytes) {
        long[] address = new long[1];
        CudaDriver.check("cuMemHostAlloc", CudaDriver.cuMemHostAlloc(address, Math.max(bytes, 1), PORTABLE));
        return new PinnedMemory(address[0], bytes);
    }

    /** Its address, for copies. */
    public long address() {
        return address;
    }

    /** Its size. */
    public long bytes() {
        return bytes;
    }

    /** The first 2 GiB of it, in the machine's byte order; not to be used after {@link #close}. */
    public ByteBuffer buffer() {
        return new Pointer(address)
                .getByteBuffer(0, Math.min(bytes, Integer.MAX_VALUE))
                .order(ByteOrder.nativeOrder());
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            CudaDriver.cuMemFreeHost(address);
        }
    }
}
