package org.phantom4j.comm.cuda;

import com.sun.jna.Native;
import com.sun.jna.Pointer;

/** The functions of libcuda that are called here. Handles and device pointers are longs. */
final class CudaDriver {

    static {
        Native.register(
                CudaDriver.class,
                SystemLibrary.load(
                        "phantom4j.cuda.library",
                        "it comes with NVIDIA's driver: install that on a machine with an NVIDIA GPU",
                        "libcuda.so.1"));
    }

    /** What starting the driver has given: 0, or why nothing else can be called. */
    static final int STARTED = cuInit(0);

    private CudaDriver() {}

    /** Throws unless a call succeeded. */
    static void check(String call, int status) {
        if (status != 0) {
            throw new CudaException(call + " failed: " + text(status) + CudaAdvice.of(status, System.getenv()), status);
        }
    }

    private static String text(int status) {
        long[] text = new long[1];
        String name = cuGetErrorName(status, text) == 0 && text[0] != 0
                ? new Pointer(text[0]).getString(0)
                : "status " + status;
        String what =
                cuGetErrorString(status, text) == 0 && text[0] != 0 ? new Pointer(text[0]).getString(0) : "unknown";
        return name + " (" + what + ")";
    }

    static native int cuInit(int flags);

    static native int cuGetErrorName(int status, long[] text);

    static native int cuGetErrorString(int status, long[] text);

    static native int cuDriverGetVersion(int[] version);

    static native int cuDeviceGetCount(int[] count);

    static native int cuDeviceGet(int[] device, int ordinal);

    static native int cuDeviceGetName(byte[] name, int length, int device);

    static native int cuDeviceGetPCIBusId(byte[] id, int length, int device);

    static native int cuDeviceGetAttribute(int[] value, int attribute, int device);

    static native int cuDeviceCanAccessPeer(int[] can, int device, int peer);

    static native int cuDevicePrimaryCtxRetain(long[] context, int device);

    static native int cuDevicePrimaryCtxRelease_v2(int device);

    static native int cuCtxSetCurrent(long context);

    static native int cuCtxSynchronize();

    static native int cuCtxEnablePeerAccess(long peerContext, int flags);

    static native int cuMemGetInfo_v2(long[] free, long[] total);

    static native int cuMemAlloc_v2(long[] address, long bytes);

    static native int cuMemFree_v2(long address);

    static native int cuMemHostAlloc(long[] address, long bytes, int flags);

    static native int cuMemFreeHost(long address);

    static native int cuMemsetD8Async(long address, byte value, long count, long stream);

    static native int cuMemcpyAsync(long to, long from, long bytes, long stream);

    static native int cuMemcpy2DAsync_v2(Pointer copy, long stream);

    static native int cuStreamCreateWithPriority(long[] stream, int flags, int priority);

    static native int cuStreamDestroy_v2(long stream);

    static native int cuStreamQuery(long stream);

    static native int cuStreamSynchronize(long stream);

    static native int cuStreamWaitEvent(long stream, long event, int flags);

    static native int cuStreamBeginCapture_v2(long stream, int mode);

    static native int cuStreamEndCapture(long stream, long[] graph);

    static native int cuEventCreate(long[] event, int flags);

    static native int cuEventDestroy_v2(long event);

    static native int cuEventRecord(long event, long stream);

    static native int cuEventQuery(long event);

    static native int cuEventElapsedTime(float[] milliseconds, long start, long end);

    static native int cuGraphInstantiateWithFlags(long[] executable, long graph, long flags);

    static native int cuGraphGetNodes(long graph, Pointer nodes, long[] count);

    static native int cuGraphDestroy(long graph);

    static native int cuGraphExecDestroy(long executable);

    static native int cuGraphUpload(long executable, long stream);

    static native int cuGraphLaunch(long executable, long stream);

    static native int cuModuleLoadData(long[] module, byte[] image);

    static native int cuModuleUnload(long module);

    static native int cuModuleGetFunction(long[] function, long module, String name);

    static native int cuFuncSetAttribute(long function, int attribute, int value);

    static native int cuLaunchKernel(
            long function,
            int gridX,
            int gridY,
            int gridZ,
            int blockX,
            int blockY,
            int blockZ,
            int sharedBytes,
            long stream,
            Pointer arguments,
            Pointer extra);

    static native int cuTensorMapEncodeTiled(
            Pointer map,
            int type,
            int rank,
            long address,
            long[] sizes,
            long[] strides,
            int[] box,
            int[] elementStrides,
            int interleave,
            int swizzle,
            int promotion,
            int fill);
}
