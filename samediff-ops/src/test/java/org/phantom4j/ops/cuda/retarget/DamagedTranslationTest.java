package org.phantom4j.ops.cuda.retarget;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.phantom4j.ops.cache.Damage;
import org.phantom4j.ops.cuda.fatbin.Compression;
import org.phantom4j.ops.cuda.fatbin.GpuArchitecture;
import org.phantom4j.ops.cuda.fatbin.ImageKind;
import org.phantom4j.ops.cuda.fatbin.TestLibrary;
import org.phantom4j.ops.cuda.retarget.compile.ScriptCompiler;
import org.phantom4j.ops.cuda.retarget.library.RetargetCache;
import org.phantom4j.ops.cuda.retarget.library.RetargetException;
import org.phantom4j.ops.cuda.retarget.library.RetargetedLibrary;

/** Translated libraries, descriptions and modules that were damaged since: never offered, and made anew. */
class DamagedTranslationTest {

    private static final GpuArchitecture HOPPER = new GpuArchitecture(90);
    private static final int DAMAGES = 60;
    private static final int MODULES = 3;

    @TempDir
    Path folder;

    private final Random random = new Random(7);
    private byte[] original;
    private Path library;
    private RetargetCache cache;

    @BeforeEach
    void writeLibrary() throws IOException {
        List<List<TestLibrary.Image>> containers = new ArrayList<>();
        for (int i = 0; i < MODULES; i++) {
            List<TestLibrary.Image> images = new ArrayList<>(TestLibrary.likeNd4j(i, Compression.LZ4));
            images.add(new TestLibrary.Image(ImageKind.CUBIN, 70, "\177ELF kernels of sm_70", 4000, Compression.NONE));
            containers.add(images);
        }
        original = TestLibrary.elf(containers, 7);
        library = Files.write(folder.resolve("libkernels.so"), original);
        cache = new RetargetCache(folder.resolve("cache"));
    }

    private Retargeter retargeter(String script, int level) throws IOException {
        return new Retargeter(ScriptCompiler.create(folder, script), HOPPER, level, 1, new RetargetListener() {});
    }

    private RetargetedLibrary retarget() throws IOException, InterruptedException {
        return retargeter(ScriptCompiler.COMPILE, 3).retarget(library, cache);
    }

    private Optional<RetargetedLibrary> find() throws IOException {
        CRC32 crc = new CRC32();
        crc.update(original);
        return cache.find(original.length, crc.getValue(), HOPPER);
    }

    @Test
    void aDamagedLibraryIsNotFoundAndMadeAnew() throws Exception {
        RetargetedLibrary made = retarget();
        byte[] whole = Files.readAllBytes(made.file());
        FileTime time = Files.getLastModifiedTime(made.file());
        for (int i = 0; i < DAMAGES; i++) {
            Files.write(made.file(), Damage.of(whole, random));
            // as a disk does it
            Files.setLastModifiedTime(made.file(), time);
            assertEquals(Optional.empty(), find(), "damage " + i);
        }
        assertEquals(made, retarget());
        assertArrayEquals(whole, Files.readAllBytes(made.file()));
        assertEquals(made, find().orElseThrow());
    }

    /** Damage to a comment or a line's end changes nothing that it says. */
    @Test
    void aDamagedDescriptionSaysNothingWrong() throws Exception {
        RetargetedLibrary made = retarget();
        Path description = made.file().resolveSibling(RetargetedLibrary.DESCRIPTION);
        byte[] whole = Files.readAllBytes(description);
        int found = 0;
        for (int i = 0; i < 5 * DAMAGES; i++) {
            Files.write(description, Damage.of(whole, random));
            Optional<RetargetedLibrary> offered = find();
            if (offered.isPresent()) {
                assertEquals(made, offered.get(), "damage " + i);
                found++;
            }
        }
        assertTrue(found < DAMAGES, found + " descriptions were still taken");
        Files.write(description, new byte[0]);
        assertEquals(Optional.empty(), find());
        assertEquals(made, retarget());
        assertEquals(made, find().orElseThrow());
    }

    @Test
    void theNextBestIsTakenInPlaceOfADamagedOne() throws Exception {
        RetargetedLibrary made = retarget();
        RetargetedLibrary low = retargeter(ScriptCompiler.COMPILE, 1).retarget(library, cache);
        Files.setLastModifiedTime(made.file(), FileTime.fromMillis(System.currentTimeMillis() + 60_000));
        assertEquals(made, find().orElseThrow());
        byte[] damaged = Files.readAllBytes(made.file());
        damaged[damaged.length / 2] ^= 1;
        Files.write(made.file(), damaged);
        Files.setLastModifiedTime(made.file(), FileTime.fromMillis(System.currentTimeMillis() + 60_000));
        assertEquals(low, find().orElseThrow());
    }

    @Test
    void modulesOfAnInterruptedRunAreCompiledAgainWhereTheyAreDamaged() throws Exception {
        Path broken = Files.createFile(folder.resolve("broken"));
        Path calls = folder.resolve("calls");
        String script = "echo $1 >> " + calls + "\n"
                + "if [ -e " + broken + " ] && grep -q 'module 0' $1; then exit 1; fi\n"
                + ScriptCompiler.COMPILE;
        assertThrows(RetargetException.class, () -> retargeter(script, 3).retarget(library, cache));
        List<Path> modules;
        try (Stream<Path> files = Files.walk(cache.root())) {
            modules = files.filter(file -> file.toString().endsWith(".fatbin")).toList();
        }
        assertEquals(MODULES - 1, modules.size());
        Files.write(modules.get(0), Damage.of(Files.readAllBytes(modules.get(0)), random));
        Files.delete(broken);
        Files.delete(calls);
        RetargetedLibrary made = retargeter(script, 3).retarget(library, cache);
        assertEquals(3, Files.readAllLines(calls).size(), "the probe, module 0 and the damaged one");
        byte[] resumed = Files.readAllBytes(made.file());
        assertArrayEquals(
                Files.readAllBytes(retargeter(ScriptCompiler.COMPILE, 3)
                        .retarget(library, folder.resolve("out"))
                        .file()),
                resumed);
    }
}
