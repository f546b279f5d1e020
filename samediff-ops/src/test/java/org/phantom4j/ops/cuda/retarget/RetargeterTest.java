package org.phantom4j.ops.cuda.retarget;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.phantom4j.ops.cuda.fatbin.ByteSource;
import org.phantom4j.ops.cuda.fatbin.Compression;
import org.phantom4j.ops.cuda.fatbin.ElfSection;
import org.phantom4j.ops.cuda.fatbin.FatBinary;
import org.phantom4j.ops.cuda.fatbin.FatBinaryEntry;
import org.phantom4j.ops.cuda.fatbin.GpuArchitecture;
import org.phantom4j.ops.cuda.fatbin.ImageKind;
import org.phantom4j.ops.cuda.fatbin.TestLibrary;
import org.phantom4j.ops.cuda.retarget.compile.ScriptCompiler;
import org.phantom4j.ops.cuda.retarget.library.LibraryInput;
import org.phantom4j.ops.cuda.retarget.library.RetargetCache;
import org.phantom4j.ops.cuda.retarget.library.RetargetException;
import org.phantom4j.ops.cuda.retarget.library.RetargetedLibrary;

class RetargeterTest {
    private static final GpuArchitecture HOPPER = new GpuArchitecture(90);
    private static final int MODULES = 6;

    @TempDir
    Path folder;

    private Path library;
    private byte[] original;
    private RetargetCache cache;

    @BeforeEach
    void writeLibrary() throws IOException {
        List<List<TestLibrary.Image>> containers = new ArrayList<>();
        for (int i = 0; i < MODULES; i++) {
            containers.add(TestLibrary.likeNd4j(i, i % 2 == 0 ? Compression.LZ4 : Compression.ZSTANDARD));
        }
        // room as in a real library, where kernels of several architectures give way to those of one
        original =
                TestLibrary.elf(containers.stream().map(RetargeterTest::roomy).toList(), 7);
        library = folder.resolve("libkernels.so");
        Files.write(library, original);
        cache = new RetargetCache(folder.resolve("cache"));
    }

    private static List<TestLibrary.Image> roomy(List<TestLibrary.Image> images) {
        List<TestLibrary.Image> more = new ArrayList<>(images);
        more.add(new TestLibrary.Image(ImageKind.CUBIN, 70, "\177ELF kernels of sm_70", 4000, Compression.NONE));
        return more;
    }

    @Test
    void everyModuleIsTranslatedAndNothingElseChanges() throws Exception {
        RetargetedLibrary made = retargeter(ScriptCompiler.COMPILE).retarget(library, cache);
        assertEquals(Map.of(3, MODULES), made.modulesByLevel());
        assertEquals("6 modules at level 3", made.summary());
        assertTrue(made.file().startsWith(cache.root()));
        assertTrue(made.file().getParent().getFileName().toString().endsWith("-sm_90-script-1.0-O3"));
        assertArrayEquals(original, Files.readAllBytes(library), "the input is never changed");

        byte[] translated = Files.readAllBytes(made.file());
        assertSameOutsideFatBinaries(translated);
        try (ByteSource before = ByteSource.open(library);
                ByteSource after = ByteSource.open(made.file())) {
            List<FatBinary> old = containers(before);
            List<FatBinary> fresh = containers(after);
            assertEquals(
                    old.stream().map(FatBinary::offset).toList(),
                    fresh.stream().map(FatBinary::offset).toList());
            for (int i = 0; i < MODULES; i++) {
                FatBinaryEntry kernels = fresh.get(i).entries().get(0);
                assertEquals(1, fresh.get(i).entries().size());
                assertEquals(ImageKind.CUBIN, kernels.kind());
                assertEquals(HOPPER, kernels.architecture());
                String ptx = text(old.get(i).ptxFor(HOPPER).orElseThrow().image(before));
                assertEquals("\177ELF\2\1\1A\10sm_90 O3 " + ptx, text(kernels.image(after)));
            }
        }
        assertEquals(
                List.of(".lock", "libkernels.so", RetargetedLibrary.DESCRIPTION),
                names(made.file().getParent()));
    }

    @Test
    void libraryInAJarIsUnpackedAndFoundAgainByWhatTheJarSays() throws Exception {
        Path jar = folder.resolve("nd4j-cuda.jar");
        try (OutputStream file = Files.newOutputStream(jar);
                ZipOutputStream zip = new ZipOutputStream(file)) {
            zip.putNextEntry(new ZipEntry(LibraryInput.M1_ENTRY));
            zip.write(original);
        }
        RetargetedLibrary made = retargeter(ScriptCompiler.COMPILE).retarget(jar, cache);
        assertEquals("libnd4jcuda.so", made.file().getFileName().toString());
        assertSameOutsideFatBinaries(Files.readAllBytes(made.file()));
        assertEquals(List.of(made.file().getParent().getFileName().toString()), names(cache.root()));

        CRC32 crc = new CRC32();
        crc.update(original);
        assertEquals(made, cache.find(original.length, crc.getValue(), HOPPER).orElseThrow());
        assertTrue(cache.find(original.length, crc.getValue(), new GpuArchitecture(100))
                .isEmpty());
        assertTrue(cache.find(original.length, crc.getValue() + 1, HOPPER).isEmpty());
        Files.write(made.file(), new byte[10]);
        assertTrue(cache.find(original.length, crc.getValue(), HOPPER).isEmpty(), "cut short since");
    }

    @Test
    void compilerThatCrashesIsTriedAtLowerLevels() throws Exception {
        String crash = "case \"$4$(grep -c 'module 2' $1)\" in 3[1-9]*) kill -SEGV $$;; esac\n";
        RetargetedLibrary made = retargeter(crash + ScriptCompiler.COMPILE).retarget(library, cache);
        assertEquals(Map.of(3, MODULES - 1, 1, 1), made.modulesByLevel());
        assertEquals("5 modules at level 3, 1 modules at level 1", made.summary());
        assertEquals(made, RetargetedLibrary.read(made.file().getParent()));
    }

    @Test
    void moduleThatNoLevelCompilesIsNamedWithTheCompilersWords() {
        String refuse = "if grep -q 'module 4' $1; then echo \"no such instruction\"; exit 9; fi\n";
        RetargetException e = assertThrows(RetargetException.class, () -> retargeter(refuse + ScriptCompiler.COMPILE)
                .retarget(library, cache));
        assertTrue(
                e.getMessage()
                        .matches("(?s)script-1.0 cannot compile the module at offset 0x[0-9a-f]+ for sm_90: "
                                + "at level 3 exit code 9: no such instruction; at level 1 .*; at level 0 .*"),
                e.getMessage());
    }

    @Test
    void interruptedRunGoesOnWhereItWas() throws Exception {
        Path broken = Files.createFile(folder.resolve("broken"));
        Path calls = folder.resolve("calls");
        String script = "echo $1 >> " + calls + "\n"
                + "if [ -e " + broken + " ] && grep -q 'module 0' $1; then exit 1; fi\n"
                + ScriptCompiler.COMPILE;
        assertThrows(RetargetException.class, () -> retargeter(script).retarget(library, cache));
        assertEquals(List.of(), cache.libraries(), "nothing half-made is offered");

        Files.delete(broken);
        Files.delete(calls);
        List<Boolean> resumed = new ArrayList<>();
        RetargetListener listener = new RetargetListener() {
            @Override
            public void translated(long ptxBytes, int level, boolean fromEarlierRun) {
                resumed.add(fromEarlierRun);
            }
        };
        RetargetedLibrary made =
                new Retargeter(ScriptCompiler.create(folder, script), HOPPER, 3, 1, listener).retarget(library, cache);
        // module 0 is the smallest: compiled last, after all the others had succeeded
        assertEquals(List.of(true, true, true, true, true, false), resumed);
        assertEquals(2, Files.readAllLines(calls).size(), "the probe and module 0");
        assertSameOutsideFatBinaries(Files.readAllBytes(made.file()));
    }

    @Test
    void finishedTranslationIsNotRepeated() throws Exception {
        RetargetedLibrary made = retargeter(ScriptCompiler.COMPILE).retarget(library, cache);
        assertEquals(made, retargeter("exit 1").retarget(library, cache));
    }

    @Test
    void outputFolderMayBeChosen() throws Exception {
        RetargetedLibrary made = retargeter(ScriptCompiler.COMPILE).retarget(library, folder.resolve("out"));
        assertEquals(folder.resolve("out/libkernels.so"), made.file());
        assertFalse(Files.exists(cache.root()));
    }

    @Test
    void originalIsNeverReplacedByItsTranslation() throws Exception {
        RetargetException e = assertThrows(RetargetException.class, () -> retargeter(ScriptCompiler.COMPILE)
                .retarget(library, folder));
        assertTrue(e.getMessage().contains("would take the original's place"), e.getMessage());
        assertArrayEquals(original, Files.readAllBytes(library));
    }

    @Test
    void interruptedRunForAnotherArchitectureLeavesNothingInThisOne() throws Exception {
        Path out = folder.resolve("out");
        String refuse = "if grep -q 'module 0' $1; then exit 1; fi\n";
        ScriptCompiler failing = ScriptCompiler.create(folder, refuse + ScriptCompiler.COMPILE);
        assertThrows(RetargetException.class, () -> new Retargeter(
                        failing, new GpuArchitecture(100), 3, 1, new RetargetListener() {})
                .retarget(library, out));
        RetargetedLibrary made = retargeter(ScriptCompiler.COMPILE).retarget(library, out);
        try (ByteSource after = ByteSource.open(made.file())) {
            for (FatBinary container : containers(after)) {
                assertEquals(HOPPER, container.entries().get(0).architecture());
            }
        }
    }

    @Test
    void kernelsThatDoNotFitAreRefused() {
        String huge = "{ printf '\\177ELF12345'; head -c 100000 /dev/urandom; } > $2\n";
        RetargetException e =
                assertThrows(RetargetException.class, () -> retargeter(huge).retarget(library, cache));
        assertTrue(
                e.getMessage().matches("the fat binary at offset 0x[0-9a-f]+ has room for \\d+ bytes, .*"),
                e.getMessage());
    }

    @Test
    void libraryThatNeedsNoTranslationOrAllowsNoneIsRefused() {
        assertRefused(new GpuArchitecture(86), "no translation is needed");
        assertRefused(new GpuArchitecture(60), "holds no PTX that sm_60 can run");
    }

    private void assertRefused(GpuArchitecture target, String words) {
        RetargetException e = assertThrows(RetargetException.class, () -> new Retargeter(
                        ScriptCompiler.create(folder, ScriptCompiler.COMPILE), target, 3, 2, new RetargetListener() {})
                .retarget(library, cache));
        assertTrue(e.getMessage().contains(words), e.getMessage());
    }

    @Test
    void inputsThatAreNoCudaLibraryAreRefused() throws IOException {
        Path text = Files.writeString(folder.resolve("notes.txt"), "hello ".repeat(100));
        IOException foreign = assertThrows(
                IOException.class, () -> retargeter(ScriptCompiler.COMPILE).retarget(text, cache));
        assertTrue(foreign.getMessage().startsWith(text + " at offset 0x0: no ELF file"), foreign.getMessage());
        Path missing = folder.resolve("missing.jar");
        IOException absent = assertThrows(
                IOException.class, () -> retargeter(ScriptCompiler.COMPILE).retarget(missing, cache));
        assertTrue(absent.getMessage().contains("missing.jar is no file"), absent.getMessage());
        for (Path source : List.of(text, missing)) {
            IOException early = assertThrows(IOException.class, () -> Retargeter.checkSource(source));
            assertTrue(early.getMessage().startsWith(source.toString()), early.getMessage());
        }
        Path jar = Files.writeString(folder.resolve("cut.jar"), "no zip");
        IOException cut = assertThrows(IOException.class, () -> Retargeter.checkSource(jar));
        assertTrue(cut.getMessage().contains("cut.jar is no jar, or is truncated"), cut.getMessage());
        Retargeter.checkSource(library);
    }

    @Test
    void onlyOneRunWorksInAFolder() throws Exception {
        Path started = folder.resolve("started");
        Path go = folder.resolve("go");
        String slow =
                "touch " + started + "; while [ ! -e " + go + " ]; do sleep 0.05; done\n" + ScriptCompiler.COMPILE;
        Thread first = new Thread(() -> {
            try {
                retargeter(slow).retarget(library, cache);
            } catch (IOException | InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
        first.start();
        while (!Files.exists(started)) {
            Thread.sleep(10);
        }
        RetargetException e = assertThrows(RetargetException.class, () -> retargeter(ScriptCompiler.COMPILE)
                .retarget(library, cache));
        assertTrue(e.getMessage().contains("another run is translating into"), e.getMessage());
        CountDownLatch waiting = new CountDownLatch(1);
        Retargeter second = new Retargeter(
                ScriptCompiler.create(Files.createDirectory(folder.resolve("second")), ScriptCompiler.COMPILE),
                HOPPER,
                3,
                2,
                new RetargetListener() {
                    @Override
                    public void waiting(Path where) {
                        waiting.countDown();
                    }

                    @Override
                    public void started(String compiler, int modules, long ptxBytes) {
                        throw new AssertionError("the first run's translation is there");
                    }
                });
        FutureTask<RetargetedLibrary> patient =
                new FutureTask<>(() -> second.retarget(library, cache, Duration.ofHours(1)));
        new Thread(patient).start();
        waiting.await();
        Files.createFile(go);
        first.join();
        assertEquals(List.of(patient.get()), cache.libraries());
    }

    private Retargeter retargeter(String script) throws IOException {
        return new Retargeter(ScriptCompiler.create(folder, script), HOPPER, 3, 2, new RetargetListener() {});
    }

    private void assertSameOutsideFatBinaries(byte[] translated) throws IOException {
        assertEquals(original.length, translated.length);
        assertFalse(Arrays.equals(original, translated));
        ElfSection section = FatBinary.sections(ByteSource.of(original)).get(0);
        byte[] masked = translated.clone();
        System.arraycopy(original, (int) section.offset(), masked, (int) section.offset(), (int) section.size());
        assertArrayEquals(original, masked);
    }

    private static List<FatBinary> containers(ByteSource source) throws IOException {
        return FatBinary.read(source, FatBinary.sections(source).get(0));
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private static List<String> names(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }
}
