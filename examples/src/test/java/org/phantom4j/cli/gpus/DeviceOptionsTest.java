package org.phantom4j.cli.gpus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.phantom4j.cli.frame.UsageException;

class DeviceOptionsTest {

    @ParameterizedTest
    @CsvSource({"TF32, 75, tf32, 7.5", "BF16, 70, bf16, 7.0", "BF16_PURE, 61, bf16_pure, 6.1"})
    void olderGpusRefuseWhatTheyDoNotHave(Precision precision, int capability, String name, String text) {
        UsageException e =
                assertThrows(UsageException.class, () -> DeviceOptions.requirePrecision(precision, capability));
        assertEquals(
                "--precision " + name + " needs a GPU of compute capability 8.0 or newer; this one has " + text
                        + ": use --precision fp32",
                e.getMessage());
    }

    @Test
    void whatAGpuHasIsTaken() {
        DeviceOptions.requirePrecision(Precision.FP32, 61);
        DeviceOptions.requirePrecision(Precision.FP64, 75);
        DeviceOptions.requirePrecision(Precision.TF32, 80);
        DeviceOptions.requirePrecision(Precision.BF16, 120);
    }
}
