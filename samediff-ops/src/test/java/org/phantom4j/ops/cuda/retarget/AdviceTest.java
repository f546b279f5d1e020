package org.phantom4j.ops.cuda.retarget;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.phantom4j.ops.cuda.fatbin.GpuArchitecture;

@Timeout(10)
class AdviceTest {
    private static final GpuArchitecture HOPPER = new GpuArchitecture(90);

    @Test
    void missingTranslationNamesTheCommandAndItsDuration() {
        String advice = Advice.retarget(HOPPER, Path.of("nd4j-cuda-11.2.jar"));
        assertTrue(advice.contains("./phantom retarget --arch sm_90 --nd4j-jar nd4j-cuda-11.2.jar"), advice);
        assertTrue(advice.contains("-Dphantom4j.retarget=automatic"), advice);
        assertTrue(advice.matches("(?s).*in about \\d+ minutes on \\d+ cores.*"), advice);
    }

    @Test
    void cublasWithoutHopperKernelsNamesTheRedistThatHasThem() {
        assertEquals("", Advice.cublas(new GpuArchitecture(86), 11, 4));
        assertEquals("", Advice.cublas(HOPPER, 11, 11));
        assertEquals("", Advice.cublas(HOPPER, 12, 0));
        assertTrue(Advice.cublas(HOPPER, 11, 4).contains("org.bytedeco:cuda:11.8-8.6-1.5.8:linux-x86_64-redist"));
        assertTrue(Advice.cublas(new GpuArchitecture(100), 11, 11).contains("sm_100"));
    }
}
