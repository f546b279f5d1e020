package org.phantom4j.ops.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.phantom4j.ops.cuda.fatbin.GpuArchitecture;
import org.phantom4j.ops.cuda.retarget.compile.ScriptCompiler;

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

    @Test
    void missingOrFailingOrForeignNvidiaSmiMeansNoGpu(@TempDir Path folder) throws Exception {
        assertEquals(
                List.of(), GpuInventory.query(List.of(folder.resolve("nowhere").toString())));
        Path failing = ScriptCompiler.write(folder.resolve("failing"), "echo 'NVIDIA H200, 9.0, 1, 1, 1'; exit 9");
        assertEquals(List.of(), GpuInventory.query(List.of(failing.toString())));
        Path working = ScriptCompiler.write(folder.resolve("working"), "echo 'NVIDIA H200, 9.0, 580, 2, 1'");
        assertEquals(
                List.of(new GpuInventory.Gpu("NVIDIA H200", new GpuArchitecture(90), "580", 2, 1)),
                GpuInventory.query(List.of(working.toString())));
    }
}
