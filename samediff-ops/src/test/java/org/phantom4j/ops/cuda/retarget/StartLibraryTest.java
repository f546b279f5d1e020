package org.phantom4j.ops.cuda.retarget;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.Supplier;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.phantom4j.ops.cuda.TestJars;
import org.phantom4j.ops.cuda.fatbin.Compression;
import org.phantom4j.ops.cuda.fatbin.GpuArchitecture;
import org.phantom4j.ops.cuda.fatbin.ImageKind;
import org.phantom4j.ops.cuda.fatbin.TestLibrary;
import org.phantom4j.ops.cuda.retarget.compile.CompilerChoice;
import org.phantom4j.ops.cuda.retarget.compile.ScriptCompiler;
import org.phantom4j.ops.cuda.retarget.library.LibraryInput;
import org.phantom4j.ops.cuda.retarget.library.LibraryLocator;
import org.phantom4j.ops.cuda.retarget.library.RetargetCache;
import org.phantom4j.ops.cuda.retarget.library.RetargetException;
import org.phantom4j.ops.cuda.retarget.library.RetargetedLibrary;

class StartLibraryTest {
    private static final GpuArchitecture HOPPER = new GpuArchitecture(90);
    private static final String KERNEL =
            ".version 7.2\n.target sm_86\n.address_size 64\n.visible .entry nothing()\n{\n    ret;\n}\n";

    @TempDir
    Path folder;

    private RetargetCache cache;
    private Path jar;

    @BeforeEach
    void writeJar() throws IOException {
        cache = new RetargetCache(folder.resolve("cache"));
        byte[] library = TestLibrary.elf(
                List.of(List.of(
                        new TestLibrary.Image(ImageKind.CUBIN, 80, "\177ELF kernels", 9000, Compression.NONE),
                        new TestLibrary.Image(ImageKind.PTX, 86, KERNEL, KERNEL.length(), Compression.LZ4))),
                3);
        jar = TestJars.write(folder.resolve("nd4j-cuda.jar"), LibraryInput.M1_ENTRY, library);
    }

    private Optional<RetargetedLibrary> find(String mode, Supplier<SortedSet<GpuArchitecture>> gpus)
            throws IOException, InterruptedException {
        return TestJars.with(List.of(jar), () -> StartLibrary.find(mode, LibraryLocator.onClassPath(), gpus, cache));
    }

    private static SortedSet<GpuArchitecture> neverAsked() {
        throw new AssertionError("nothing depends on the GPUs");
    }

    private static Supplier<SortedSet<GpuArchitecture>> gpus(int... numbers) {
        SortedSet<GpuArchitecture> architectures = new TreeSet<>();
        for (int number : numbers) {
            architectures.add(new GpuArchitecture(number));
        }
        return () -> architectures;
    }

    @Test
    void gpuThatNd4jKnowsNeedsNothing() throws Exception {
        assertEquals(Optional.empty(), find("", gpus()));
        assertEquals(Optional.empty(), find("", gpus(75, 89)));
        assertEquals(Optional.empty(), find("off", StartLibraryTest::neverAsked));
        assertEquals(
                Optional.empty(),
                StartLibrary.find("automatic", Optional.empty(), StartLibraryTest::neverAsked, cache));
    }

    @Test
    void missingTranslationNamesTheCommandForThisJar() {
        RetargetException e = assertThrows(RetargetException.class, () -> find("", gpus(90)));
        assertTrue(e.getMessage().contains("./phantom retarget --arch sm_90 --nd4j-jar " + jar), e.getMessage());
    }

    @Test
    void libraryWithoutPtxNamesTheReleaseThatHasSome() throws Exception {
        jar = TestJars.write(folder.resolve("newer.jar"), LibraryInput.M2_ENTRY, new byte[100]);
        RetargetException e = assertThrows(RetargetException.class, () -> find("automatic", gpus(90)));
        assertTrue(e.getMessage().contains("use ND4J 1.0.0-M1.1 with nd4j-cuda-11.2"), e.getMessage());
    }

    @Test
    void gpusOfTwoGenerationsAndUnknownModesAreRefused() {
        RetargetException e = assertThrows(RetargetException.class, () -> find("", gpus(86, 90)));
        assertTrue(e.getMessage().contains("CUDA_VISIBLE_DEVICES"), e.getMessage());
        e = assertThrows(RetargetException.class, () -> find("maybe", StartLibraryTest::neverAsked));
        assertEquals("-Dphantom4j.retarget=maybe: expected automatic or off, or no such property", e.getMessage());
    }

    @Test
    void translationInTheCacheIsFoundAndOfSeveralTheOneMadeLast() throws Exception {
        ScriptCompiler compiler = ScriptCompiler.create(folder, ScriptCompiler.COMPILE);
        RetargetedLibrary full = new Retargeter(compiler, HOPPER, 3, 1, new RetargetListener() {}).retarget(jar, cache);
        RetargetedLibrary low = new Retargeter(compiler, HOPPER, 1, 1, new RetargetListener() {}).retarget(jar, cache);
        assertEquals("1 modules at level 1", low.summary());
        Files.setLastModifiedTime(full.file(), FileTime.fromMillis(System.currentTimeMillis() + 60_000));
        assertEquals(full, find("", gpus(90)).orElseThrow());
        Files.setLastModifiedTime(full.file(), FileTime.fromMillis(0));
        assertEquals(low, find("", gpus(90)).orElseThrow());
        assertThrows(RetargetException.class, () -> find("", gpus(100)), "those kernels run on Hopper alone");
    }

    @Test
    void automaticTranslatesAtTheFirstStartOnly() throws Exception {
        try {
            CompilerChoice.PTXAS.version();
        } catch (RetargetException e) {
            Assumptions.abort(e.getMessage());
        }
        RetargetedLibrary made = find("automatic", gpus(90)).orElseThrow();
        assertTrue(made.file().startsWith(cache.root()));
        assertEquals(List.of(made), cache.libraries());
        assertEquals(made, find("", gpus(90)).orElseThrow());
    }
}
