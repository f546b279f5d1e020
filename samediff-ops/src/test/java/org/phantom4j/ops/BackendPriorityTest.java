package org.phantom4j.ops;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.factory.Nd4jBackend;
import org.phantom4j.ops.backend.CudaOpBackend;
import org.phantom4j.ops.backend.NativeOpBackend;

class BackendPriorityTest {
    /** The CUDA backend is not on the tests' class path: ND4J must not ask for it, and warn, before it has the CPU's. */
    @Test
    void missingBackendComesLast() {
        int ours = new NativeOpBackend().getPriority();
        int missing = new CudaOpBackend().getPriority();
        assertEquals(Nd4jBackend.BACKEND_PRIORITY_CPU + 1, ours);
        for (Nd4jBackend backend : ServiceLoader.load(Nd4jBackend.class)) {
            assertTrue(backend instanceof CudaOpBackend || backend.getPriority() > missing, backend::toString);
            assertTrue(backend.getPriority() <= ours, backend::toString);
        }
    }
}
