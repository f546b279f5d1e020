package org.phantom4j.layers.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.phantom4j.ops.gpu.Precision;

/** What a step must do at least, by formula. Needs no GPU. */
class StepBenchmarkTest {

    @Test
    void countsWhatAStepMustDo() {
        StepBenchmark.Setup setup = new StepBenchmark.Setup(true, 1024, 2, 2, 64, 256, Precision.TF32, true);
        long forward = 256L * (512 * 512 + 512 * 64 + 64 * 512);
        // weights' gradients cost as much as the forward pass; the first layer hands nothing down but the phantoms'
        // gradients
        long backward = 2 * forward + 2 * 256L * 64 * 512 + 256L * (512 * 512 + 512 * 64);
        assertEquals(2 * forward + backward, setup.multiplyAdds(2));
        long weights = 512 * 512 + 512 * 64 + 64 * 512 + 512;
        assertEquals(weights * (2 * 4 + 4 + 2 * 8), setup.weightBytes(2));
    }
}
