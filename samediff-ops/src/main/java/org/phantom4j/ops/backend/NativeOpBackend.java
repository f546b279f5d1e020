package org.phantom4j.ops.backend;

/** Stands before ND4J's native CPU backend. */
public final class NativeOpBackend extends OpBackend {

    /** For {@link java.util.ServiceLoader}. */
    public NativeOpBackend() {
        super(
                "org.nd4j.linalg.cpu.nativecpu.CpuBackend",
                BACKEND_PRIORITY_CPU,
                "org.phantom4j.ops.backend.PhantomNativeOpExecutioner");
    }
}
