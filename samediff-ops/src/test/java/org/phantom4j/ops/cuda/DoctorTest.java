package org.phantom4j.ops.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class DoctorTest {
    @Test
    void isUsefulWithoutAGpu() throws Exception {
        Assumptions.assumeTrue(GpuInventory.query().isEmpty(), "this machine has a GPU");
        Doctor.Report report = Doctor.examine();
        String found = String.join("\n", report.found());
        for (String what : List.of(
                "GPU ",
                "ND4J ",
                "JavaCPP ",
                "CPU backend ",
                "CUDA backend ",
                "cuBLAS ",
                "NCCL ",
                "compiler ",
                "memory ",
                "cache ")) {
            assertTrue(found.contains(what), found);
        }
        assertTrue(found.contains("CPU backend      on the class path"), found);
        assertEquals(1, report.advice().size());
        assertTrue(
                report.advice().get(0).contains("NVIDIA's driver must be installed"),
                report.advice().get(0));
    }
}
