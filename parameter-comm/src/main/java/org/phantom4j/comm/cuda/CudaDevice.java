package org.phantom4j.comm.cuda;

import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * A GPU, by its number among those that CUDA_VISIBLE_DEVICES shows, and its primary context, which ND4J and NVIDIA's
 * libraries in this process use, too.
 *
 * <p>Threads: any; each thread that works with the device calls {@link #bind} first.
 */
public final class CudaDevice implements AutoCloseable {

    private static final int MULTIPROCESSORS = 16;
    private static final int L2_BYTES = 38;
    private static final int SHARED_BYTES = 97;
    private static final int MAJOR = 75;
    private static final int MINOR = 76;
    private static final int PEER_ALREADY_ENABLED = 704;

    private final int ordinal;
    private final int device;
    private final long context;
    private boolean closed;

    private CudaDevice(int ordinal, int device, long context) {
        this.ordinal = ordinal;
        this.device = device;
        this.context = context;
    }

    /** How many GPUs there are; 0 where there is no driver. */
    public static int count() {
        return obstacle().isPresent() ? 0 : counted();
    }

    private static int counted() {
        int[] count = new int[1];
        CudaDriver.check("cuDeviceGetCount", CudaDriver.cuDeviceGetCount(count));
        return count[0];
    }

    /** Why there is no GPU: no driver, one that cannot start, or none that it shows. Empty if there is one. */
    public static Optional<String> obstacle() {
        try {
            CudaDriver.check("cuInit", CudaDriver.STARTED);
            return counted() > 0
                    ? Optional.empty()
                    : Optional.of("NVIDIA's driver shows no GPU" + CudaAdvice.hidden(System.getenv()));
        } catch (CudaException e) {
            return Optional.of(e.getMessage());
        } catch (LinkageError e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            return Optional.of(
                    cause instanceof CudaException
                            ? cause.getMessage()
                            : "cannot load NVIDIA's driver (libcuda.so.1): is it installed, and in a container passed on?");
        }
    }

    /** Compute capability of a device as one number, without a context on it: 90 for 9.0. */
    public static int computeCapability(int ordinal) {
        int[] device = new int[1];
        CudaDriver.check("cuDeviceGet", CudaDriver.cuDeviceGet(device, ordinal));
        return 10 * attribute(device[0], MAJOR) + attribute(device[0], MINOR);
    }

    /**
     * Opens a device and makes it the calling thread's.
     *
     * @throws CudaException if there is no such device; the message says how many there are
     */
    public static CudaDevice open(int ordinal) {
        int count = count();
        if (ordinal < 0 || ordinal >= count) {
            throw new CudaException(
                    "there is no CUDA device " + ordinal + ": this process sees " + count
                            + obstacle()
                                    .map(why -> ": " + why)
                                    .orElse(", numbered from 0; CUDA_VISIBLE_DEVICES is "
                                            + System.getenv("CUDA_VISIBLE_DEVICES")),
                    0);
        }
        int[] device = new int[1];
        CudaDriver.check("cuDeviceGet", CudaDriver.cuDeviceGet(device, ordinal));
        long[] context = new long[1];
        CudaDriver.check("cuDevicePrimaryCtxRetain", CudaDriver.cuDevicePrimaryCtxRetain(context, device[0]));
        CudaDevice opened = new CudaDevice(ordinal, device[0], context[0]);
        opened.bind();
        return opened;
    }

    /** Makes this device the calling thread's. */
    public void bind() {
        CudaDriver.check("cuCtxSetCurrent", CudaDriver.cuCtxSetCurrent(context));
    }

    /** Its number among the visible ones. */
    public int ordinal() {
        return ordinal;
    }

    /** Such as "NVIDIA H200". */
    public String name() {
        byte[] name = new byte[256];
        CudaDriver.check("cuDeviceGetName", CudaDriver.cuDeviceGetName(name, name.length, device));
        return text(name);
    }

    /** Such as "0000:1b:00.0"; the same for NVML. */
    public String pciBusId() {
        byte[] id = new byte[64];
        CudaDriver.check("cuDeviceGetPCIBusId", CudaDriver.cuDeviceGetPCIBusId(id, id.length, device));
        return text(id);
    }

    private static String text(byte[] zeroEnded) {
        int length = 0;
        while (length < zeroEnded.length && zeroEnded[length] != 0) {
            length++;
        }
        return new String(zeroEnded, 0, length, StandardCharsets.UTF_8);
    }

    /** Compute capability as one number: 90 for 9.0. */
    public int computeCapability() {
        return 10 * attribute(MAJOR) + attribute(MINOR);
    }

    /** The number of multiprocessors. */
    public int multiprocessors() {
        return attribute(MULTIPROCESSORS);
    }

    /** Bytes of the second-level cache. */
    public int l2Bytes() {
        return attribute(L2_BYTES);
    }

    /** The most bytes of shared memory that a block can ask for. */
    public int sharedBytes() {
        return attribute(SHARED_BYTES);
    }

    private int attribute(int attribute) {
        return attribute(device, attribute);
    }

    private static int attribute(int device, int attribute) {
        int[] value = new int[1];
        CudaDriver.check("cuDeviceGetAttribute", CudaDriver.cuDeviceGetAttribute(value, attribute, device));
        return value[0];
    }

    /** The driver's version of CUDA: 13000 for 13.0. */
    public static int driverVersion() {
        int[] version = new int[1];
        CudaDriver.check("cuDriverGetVersion", CudaDriver.cuDriverGetVersion(version));
        return version[0];
    }

    /** Free bytes of the calling thread's device. */
    public long freeBytes() {
        bind();
        long[] free = new long[1];
        CudaDriver.check("cuMemGetInfo", CudaDriver.cuMemGetInfo_v2(free, new long[1]));
        return free[0];
    }

    /** All bytes of the device. */
    public long totalBytes() {
        bind();
        long[] total = new long[1];
        CudaDriver.check("cuMemGetInfo", CudaDriver.cuMemGetInfo_v2(new long[1], total));
        return total[0];
    }

    /** Whether this device's kernels can read and write another's memory. */
    public boolean canAccess(CudaDevice peer) {
        int[] can = new int[1];
        CudaDriver.check("cuDeviceCanAccessPeer", CudaDriver.cuDeviceCanAccessPeer(can, device, peer.device));
        return can[0] != 0;
    }

    /** Lets this device's kernels read and write another's memory. */
    public void enableAccess(CudaDevice peer) {
        bind();
        int status = CudaDriver.cuCtxEnablePeerAccess(peer.context, 0);
        if (status != PEER_ALREADY_ENABLED) {
            CudaDriver.check("cuCtxEnablePeerAccess", status);
        }
    }

    /** Gives the context back; memory, streams and modules must have been closed before. Idempotent. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            CudaDriver.cuDevicePrimaryCtxRelease_v2(device);
        }
    }
}
