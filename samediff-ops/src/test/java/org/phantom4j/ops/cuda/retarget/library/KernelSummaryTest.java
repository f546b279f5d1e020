package org.phantom4j.ops.cuda.retarget.library;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.phantom4j.ops.cuda.fatbin.Compression;
import org.phantom4j.ops.cuda.fatbin.GpuArchitecture;
import org.phantom4j.ops.cuda.fatbin.TestLibrary;

class KernelSummaryTest {
    @Test
    void saysWhatALibraryHolds(@TempDir Path folder) throws Exception {
        byte[] library = TestLibrary.elf(
                List.of(TestLibrary.likeNd4j(0, Compression.LZ4), TestLibrary.likeNd4j(1, Compression.NONE)), 1);
        KernelSummary kernels = KernelSummary.of(Files.write(folder.resolve("lib.so"), library));
        assertEquals("for 8.0; PTX for 8.6 and later", kernels.toString());
        assertTrue(kernels.runsOn(new GpuArchitecture(89)));
        assertFalse(kernels.runsOn(new GpuArchitecture(90)));
        assertTrue(kernels.hasPtxFor(new GpuArchitecture(90)));
        assertFalse(kernels.hasPtxFor(new GpuArchitecture(75)));
    }
}
