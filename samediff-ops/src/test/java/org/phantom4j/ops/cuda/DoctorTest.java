package org.phantom4j.ops.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.phantom4j.ops.cache.UserCache;
import org.phantom4j.ops.cuda.fatbin.Compression;
import org.phantom4j.ops.cuda.fatbin.GpuArchitecture;
import org.phantom4j.ops.cuda.fatbin.TestLibrary;
import org.phantom4j.ops.cuda.retarget.library.LibraryInput;

class DoctorTest {
    private static final GpuInventory.Gpu HOPPER =
            new GpuInventory.Gpu("NVIDIA H100", new GpuArchitecture(90), "580.159", 81559, 80000);
    private static final GpuInventory.Gpu AMPERE =
            new GpuInventory.Gpu("NVIDIA A100", new GpuArchitecture(80), "580.159", 81559, 80000);

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

    @Test
    void judgesJarsForTheGpuThatIsThere(@TempDir Path folder) throws Exception {
        System.setProperty(UserCache.PROPERTY, folder.resolve("cache").toString());
        byte[] library = TestLibrary.elf(List.of(TestLibrary.likeNd4j(0, Compression.LZ4)), 1);
        Path nd4j = TestJars.write(folder.resolve("nd4j-cuda.jar"), LibraryInput.M1_ENTRY, library);
        Path redist = TestJars.write(
                folder.resolve("cuda-11.2-8.1-1.5.5-linux-x86_64-redist.jar"),
                "org/bytedeco/cuda/linux-x86_64/libcublas.so.11",
                new byte[10]);
        try {
            Doctor.Report report = TestJars.with(
                    List.of(nd4j, redist), () -> Doctor.examine(List.of(HOPPER), Optional.empty(), Map.of()));
            String found = String.join("\n", report.found());
            assertTrue(found.contains("NVIDIA H100, compute capability 9.0, 80000 of 81559 MiB free"), found);
            assertTrue(found.contains("its kernels      for 8.0; PTX for 8.6 and later"), found);
            assertEquals(2, report.advice().size(), report.advice().toString());
            assertTrue(
                    report.advice().get(0).contains("./phantom retarget --arch sm_90"),
                    report.advice().toString());
            assertTrue(report.advice().get(1).contains("the cuBLAS of CUDA 11.2 has no kernels for sm_90"));

            report = TestJars.with(
                    List.of(nd4j, redist), () -> Doctor.examine(List.of(AMPERE), Optional.empty(), Map.of()));
            assertEquals(List.of(), report.advice(), "this library runs as it is");
        } finally {
            System.clearProperty(UserCache.PROPERTY);
        }
    }

    @Test
    void gpuWithoutACudaBackendIsAdvisedToFetchOne() throws Exception {
        Doctor.Report report = Doctor.examine(List.of(AMPERE), Optional.empty(), Map.of());
        assertTrue(
                report.advice().get(0).contains("put nd4j-cuda-11.2-platform"),
                report.advice().toString());
    }

    @Test
    void whatThisProjectCanDoComesBeforeWhatNd4jCan() throws Exception {
        List<String> works =
                Doctor.examine(List.of(HOPPER), Optional.empty(), Map.of()).found();
        assertTrue(works.get(0).startsWith("launcher         none"), works.toString());
        assertTrue(works.get(1).startsWith("--device cuda    works"), works.toString());
        Doctor.Report hidden = Doctor.examine(
                List.of(HOPPER),
                Optional.of("NVIDIA's driver shows no GPU; X hides it"),
                Map.of("RANK", "0", "WORLD_SIZE", "1"));
        assertTrue(hidden.found().get(0).contains("RANK and WORLD_SIZE has started one process"), hidden.toString());
        assertTrue(
                hidden.found().get(1).contains("does not: NVIDIA's driver shows no GPU; X hides it"),
                hidden.toString());
        assertTrue(
                hidden.advice().get(0).contains("There are GPUs, and this process cannot use them"), hidden.toString());
    }
}
