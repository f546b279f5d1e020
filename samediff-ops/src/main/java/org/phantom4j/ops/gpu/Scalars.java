package org.phantom4j.ops.gpu;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import org.phantom4j.comm.cuda.CudaException;
import org.phantom4j.comm.cuda.CudaStream;
import org.phantom4j.comm.cuda.DeviceMemory;

/**
 * The numbers that cuBLAS takes by their addresses, on the host and on the calling thread's device: a product takes all of its
 * numbers from one of the two.
 */
final class Scalars implements AutoCloseable {

    /** A factor so small that adding the product changes no number that training meets. */
    private static final double NEXT_TO_NOTHING = 1e-30;

    private static final double[] NUMBERS = {0, 1, NEXT_TO_NOTHING};
    private static final int BYTES = 8;
    private static final long LIMIT_NS = 60_000_000_000L;

    private final Memory host = new Memory((long) NUMBERS.length * BYTES);
    private final DeviceMemory device = DeviceMemory.allocate(host.size());

    Scalars(Precision precision) {
        for (int i = 0; i < NUMBERS.length; i++) {
            set(host.share((long) i * BYTES), precision, NUMBERS[i]);
        }
        try (CudaStream stream = CudaStream.create()) {
            stream.copy(device.address(), DeviceMemory.addressOf(host), host.size());
            if (!stream.synchronize(LIMIT_NS)) {
                throw new CudaException("the device has not copied " + host.size() + " bytes in a minute", 0);
            }
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /** Writes a number as the precision's products take it. */
    static void set(Pointer to, Precision precision, double value) {
        if (precision == Precision.FP64) {
            to.setDouble(0, value);
        } else {
            to.setFloat(0, (float) value);
        }
    }

    Pointer zero(boolean onDevice) {
        return at(0, onDevice);
    }

    Pointer one(boolean onDevice) {
        return at(1, onDevice);
    }

    Pointer nextToNothing(boolean onDevice) {
        return at(2, onDevice);
    }

    private Pointer at(int i, boolean onDevice) {
        long offset = (long) i * BYTES;
        return onDevice ? new Pointer(device.address() + offset) : host.share(offset);
    }

    @Override
    public void close() {
        device.close();
        host.close();
    }
}
