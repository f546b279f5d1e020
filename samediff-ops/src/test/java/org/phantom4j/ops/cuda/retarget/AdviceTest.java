package org.phantom4j.ops.cuda.retarget;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.phantom4j.ops.cuda.fatbin.GpuArchitecture;

class AdviceTest {
    private static final GpuArchitecture HOPPER = new GpuArchitecture(90);

    @Test
    void missingTranslationNamesTheCommandAndItsDuration() {
        String advice = Advice.retarget(HOPPER, Path.of("nd4j-cuda-11.2.jar"));
        assertTrue(advice.contains("./phantom retarget --arch sm_90 --nd4j-jar nd4j-cuda-11.2.jar"), advice);
        assertTrue(advice.contains("-Dphantom4j.retarget=automatic"), advice);
        assertTrue(advice.matches("(?s).*\\(roughly \\d+ min at \\d+ modules at a time\\).*"), advice);
    }

    @Test
    void cublasWithoutHopperKernelsNamesTheRedistThatHasThem() {
        CublasVersion old = CublasVersion.of(11, 4);
        CublasVersion hoppers = CublasVersion.of(11, 11);
        assertEquals("", Advice.cublas(new GpuArchitecture(86), old));
        assertEquals("", Advice.cublas(HOPPER, hoppers));
        assertEquals("", Advice.cublas(HOPPER, CublasVersion.of(12, 0)));
        String advice = Advice.cublas(HOPPER, old);
        assertTrue(advice.startsWith("cuBLAS 11.4 has no kernels for sm_90"), advice);
        assertTrue(advice.contains("org.bytedeco:cuda:11.8-8.6-1.5.8:linux-x86_64-redist"), advice);
        advice = Advice.cublas(new GpuArchitecture(100), hoppers);
        assertTrue(advice.startsWith("cuBLAS 11.11 was not tried on sm_100"), advice);
    }

    @Test
    void cublasVersionIsReadOffAFilesName() {
        assertEquals(
                "Optional[the cuBLAS of CUDA 11.2]",
                CublasVersion.ofFile("cuda-11.2-8.1-1.5.5-linux-x86_64-redist.jar")
                        .toString());
        assertTrue(CublasVersion.ofFile("cuda-11.8-8.6-1.5.8-linux-x86_64-redist.jar")
                .orElseThrow()
                .hasHopperKernels());
        assertFalse(
                CublasVersion.ofFile("libcublas.so.11.4.1.1043").orElseThrow().hasHopperKernels());
        assertTrue(CublasVersion.ofFile("libcublas.so.11.11.3.6").orElseThrow().hasHopperKernels());
        assertTrue(CublasVersion.ofFile("libcublas.so.11").isEmpty());
    }
}
