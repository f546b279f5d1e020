package org.phantom4j.comm.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CudaAdviceTest {

    @ParameterizedTest
    @CsvSource({
        "802, fabric manager",
        "803, libcuda is of another version",
        "804, compat",
        "999, nvidia_uvm",
        "46, another process",
        "209, another kind of GPU",
        "2, smaller width",
        "100, docker run --gpus all",
    })
    void whatADriverThatCannotStartNeeds(int status, String part) {
        String advice = CudaAdvice.of(status, Map.of());
        assertTrue(advice.contains(part), advice);
    }

    @Test
    void whatHidesEverythingIsNamed() {
        for (String hiding : new String[] {"", " ", "-1", "-1,0"}) {
            String advice = CudaAdvice.of(100, Map.of("CUDA_VISIBLE_DEVICES", hiding));
            assertTrue(advice.contains("'" + hiding + "', which hides every GPU"), advice);
        }
        String wrong = CudaAdvice.of(100, Map.of("CUDA_VISIBLE_DEVICES", "8"));
        assertTrue(wrong.contains("'8', which may name no GPU of this machine"), wrong);
    }

    @Test
    void nothingIsGuessed() {
        assertEquals("", CudaAdvice.of(700, Map.of("CUDA_VISIBLE_DEVICES", "")));
    }
}
