package org.phantom4j.cli.gpus;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.phantom4j.cli.MainTest.run;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.phantom4j.cli.MainTest.Result;
import org.phantom4j.ops.cuda.fatbin.ByteSource;
import org.phantom4j.ops.cuda.fatbin.ElfSection;
import org.phantom4j.ops.cuda.fatbin.FatBinary;
import org.phantom4j.ops.cuda.fatbin.FatBinaryEntry;
import org.phantom4j.ops.cuda.fatbin.GpuArchitecture;
import org.phantom4j.ops.cuda.fatbin.ImageKind;

@Timeout(300)
class RetargetCommandTest {
    private static final Path DRIVER = Path.of("/proc/driver/nvidia/version");

    @TempDir
    private Path folder;

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "retarget --library /nowhere.so | --library /nowhere.so is no file",
                "retarget --nd4j-jar /nowhere.jar | --nd4j-jar /nowhere.jar is no file",
                "retarget --nd4j-jar a --library b | exclude each other",
                "retarget --library TEXT | notes.txt at offset 0x0: no ELF file",
                "retarget --nd4j-jar JAR | notes.jar is no jar, or is truncated",
                "retarget --library SELF --arch sm_90 | holds no CUDA kernels",
                "retarget --automatic --arch sm_90 | --automatic translates nothing now",
                "doctor --verbose | --verbose",
                "doctor stray | unexpected 'stray'",
            })
    void saysWhatIsWrongInOneLine(String line, String expected) throws IOException {
        Path text = Files.writeString(folder.resolve("notes.txt"), "hello ".repeat(100));
        Path jar = Files.writeString(folder.resolve("notes.jar"), "no zip");
        assertMisuse(
                line.replace("TEXT", text.toString())
                        .replace("JAR", jar.toString())
                        .replace("SELF", java().toString()),
                expected);
    }

    private static void assertMisuse(String line, String expected) {
        Result result = run(line);
        assertEquals(2, result.status(), result.err());
        assertTrue(result.err().contains(expected), result.err());
        assertEquals(1, result.err().strip().lines().count(), result.err());
    }

    /** An ELF file that is surely there, where there is ELF. */
    private static Path java() {
        return Path.of(System.getProperty("java.home"), "bin", "java");
    }

    @Test
    void helpAndOverviewTellOfBoth() {
        String help = run("retarget --help").out();
        for (String option :
                List.of("--nd4j-jar", "--library", "--arch", "--compiler", "--level", "--output", "--jobs")) {
            assertTrue(help.contains(option), help);
        }
        assertTrue(help.contains("phantom4j.retarget=automatic"), help);
        assertEquals(0, run("doctor --help").status());
        String overview = run("--help").out();
        assertTrue(overview.contains("retarget") && overview.contains("doctor"), overview);
    }

    @Test
    void automaticNamesTheProperty() {
        Result result = run("retarget --automatic");
        assertEquals(0, result.status(), result.err());
        assertTrue(result.out().contains("-Dphantom4j.retarget=automatic"), result.out());
    }

    @Test
    void doctorAdvisesWithoutAGpu() {
        Assumptions.assumeFalse(Files.exists(DRIVER), "this machine has NVIDIA's driver");
        Result result = run("doctor");
        assertEquals(0, result.status(), result.err());
        assertEquals("", result.err());
        assertTrue(result.out().contains("CPU backend      on the class path"), result.out());
        assertTrue(result.out().contains("NVIDIA's driver must be installed"), result.out());
    }

    @Test
    void valuesAreCheckedBeforeACompilerIsLookedFor() throws Exception {
        Path library = library();
        assertMisuse(
                "retarget --library " + library + " --arch hopper", "--arch hopper: expected one like sm_90 or 9.0");
        String line = "retarget --arch sm_90 --library " + library;
        assertMisuse(line + " --level 4", "--level 4: expected 3, 2, 1 or 0");
        assertMisuse(line + " --jobs 0", "--jobs 0: expected a whole number of at least 1");
        assertMisuse(line + " --compiler gcc", "--compiler gcc: expected any, ptxas, driver");
        assertMisuse(line + " --output " + library, "expected a folder, this is a file");
    }

    @Test
    void missingGpuAndMissingCompilerAreSaid() throws Exception {
        Assumptions.assumeFalse(Files.exists(DRIVER), "this machine has NVIDIA's driver");
        Path library = library();
        assertMisuse("retarget --library " + library, "nvidia-smi finds no GPU here: say which with --arch");
        Result result = run("retarget --arch sm_90 --compiler driver --library " + library);
        assertEquals(1, result.status(), result.err());
        assertTrue(result.err().contains("the driver's compiler does not start"), result.err());
        assertTrue(result.err().contains("ptxas of a CUDA toolkit"), result.err());
        assertEquals(1, result.err().strip().lines().count(), result.err());
    }

    @Test
    void librarysKernelsAreTranslated() throws Exception {
        Assumptions.assumeTrue(onPath("ptxas"), "no ptxas on the PATH");
        Path library = library();
        byte[] original = Files.readAllBytes(library);
        Path output = folder.resolve("out");
        String line = "retarget --arch sm_90 --jobs 2 --level 3 --compiler ptxas --library " + library + " --output ";
        Result result = run(line + output);
        assertEquals(0, result.status(), result.err());
        assertTrue(result.out().contains("1 modules at level 3"), result.out());
        assertTrue(result.err().contains("1 of 1 modules, 100 %"), result.err());

        byte[] translated = Files.readAllBytes(output.resolve("libkernels.so"));
        GpuArchitecture hopper = GpuArchitecture.parse("sm_90");
        try (ByteSource source = ByteSource.of(translated)) {
            ElfSection section = FatBinary.sections(source).get(0);
            List<FatBinaryEntry> entries = FatBinary.read(source, section).stream()
                    .flatMap(container -> container.entries().stream())
                    .toList();
            assertEquals(1, entries.size());
            assertEquals(ImageKind.CUBIN, entries.get(0).kind());
            assertEquals(hopper, entries.get(0).architecture());
            assertTrue(new String(entries.get(0).image(source), StandardCharsets.ISO_8859_1).contains(".text.twice"));
            System.arraycopy(
                    original, (int) section.offset(), translated, (int) section.offset(), (int) section.size());
        }
        assertArrayEquals(original, translated, "nothing changes outside the fat binaries");
        assertArrayEquals(original, Files.readAllBytes(library));

        Result again = run(line + output);
        assertEquals(0, again.status(), again.err());
        assertFalse(again.err().contains("modules"), "what is done is not done again: " + again.err());
        Result inPlace = run(line + folder);
        assertEquals(1, inPlace.status());
        assertTrue(inPlace.err().contains("would take the original's place"), inPlace.err());
    }

    /** A small library with kernels of two architectures and the PTX of one, from NVIDIA's own compiler. */
    private Path library() throws Exception {
        Assumptions.assumeTrue(onPath("nvcc"), "no nvcc on the PATH");
        Path source = Files.writeString(
                folder.resolve("kernels.cu"),
                "extern \"C\" __global__ void twice(float *values) { values[threadIdx.x] *= 2; }\n");
        Path library = folder.resolve("libkernels.so");
        Path log = folder.resolve("nvcc.log");
        Process nvcc = new ProcessBuilder(
                        "nvcc",
                        "-shared",
                        "-Xcompiler",
                        "-fPIC",
                        "-cudart",
                        "none",
                        "-gencode",
                        "arch=compute_80,code=sm_80",
                        "-gencode",
                        "arch=compute_86,code=[sm_86,compute_86]",
                        source.toString(),
                        "-o",
                        library.toString())
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        try {
            assertTrue(nvcc.waitFor(120, TimeUnit.SECONDS), "nvcc takes longer than 120 s");
            assertEquals(0, nvcc.exitValue(), () -> "nvcc: " + read(log));
        } finally {
            nvcc.destroyForcibly();
        }
        return library;
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return e.toString();
        }
    }

    private static boolean onPath(String program) {
        return Stream.of(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator))
                .anyMatch(part -> Files.isExecutable(Path.of(part, program)));
    }
}
