package org.phantom4j.comm.cuda;

/** Machine code for the current device, and its kernels. */
public final class CudaModule implements AutoCloseable {

    private final long handle;

    private CudaModule(long handle) {
        this.handle = handle;
    }

    /** Loads a cubin for the current device. */
    public static CudaModule load(byte[] image) {
        long[] handle = new long[1];
        CudaDriver.check("cuModuleLoadData", CudaDriver.cuModuleLoadData(handle, image));
        return new CudaModule(handle[0]);
    }

    /** A kernel, by its name as compiled. */
    public CudaKernel kernel(String name) {
        long[] function = new long[1];
        CudaDriver.check("cuModuleGetFunction of " + name, CudaDriver.cuModuleGetFunction(function, handle, name));
        return new CudaKernel(name, function[0]);
    }

    @Override
    public void close() {
        CudaDriver.cuModuleUnload(handle);
    }
}
