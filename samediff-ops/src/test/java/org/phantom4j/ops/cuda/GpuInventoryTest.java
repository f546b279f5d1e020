package org.phantom4j.ops.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.phantom4j.ops.cuda.fatbin.GpuArchitecture;

@Timeout(60)
class GpuInventoryTest {
    @Test
    void readsWhatNvidiaSmiPrints() {
        List<String> lines = List.of(
                "NVIDIA H200, 9.0, 580.159.03, 143771, 143166",
                "NVIDIA GB10, 12.1, 580.95.05, [N/A], [N/A]",
                "",
                "No devices were found");
        assertEquals(
                List.of(
                        new GpuInventory.Gpu("NVIDIA H200", new GpuArchitecture(90), "580.159.03", 143771, 143166),
                        new GpuInventory.Gpu("NVIDIA GB10", new GpuArchitecture(121), "580.95.05", 0, 0)),
                GpuInventory.parse(lines));
    }
}
