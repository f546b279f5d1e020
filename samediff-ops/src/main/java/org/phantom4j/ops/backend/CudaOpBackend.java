package org.phantom4j.ops.backend;

import org.phantom4j.ops.cuda.retarget.RetargetedLibraries;

/** Stands before ND4J's CUDA backend; makes it load kernels for this machine's GPUs, if its own are too old for them. */
public final class CudaOpBackend extends OpBackend {

    /** For {@link java.util.ServiceLoader}. */
    public CudaOpBackend() {
        super(
                "org.nd4j.linalg.jcublas.JCublasBackend",
                BACKEND_PRIORITY_GPU,
                "org.phantom4j.ops.backend.PhantomCudaOpExecutioner");
    }

    /**
     * {@inheritDoc}
     *
     * @throws UnsatisfiedLinkError if the kernels for these GPUs are missing; the message says what to do
     */
    @Override
    public boolean isAvailable() {
        if (!super.isAvailable()) {
            return false;
        }
        RetargetedLibraries.prepare();
        return true;
    }
}
