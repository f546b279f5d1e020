package org.phantom4j.ops.cuda.retarget;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.phantom4j.ops.cuda.fatbin.Compression;
import org.phantom4j.ops.cuda.fatbin.GpuArchitecture;
import org.phantom4j.ops.cuda.fatbin.TestLibrary;
import org.phantom4j.ops.cuda.retarget.compile.ScriptCompiler;

/** Damaged libraries through the whole translation: a library comes out, or an error and nothing. */
class RetargetFuzzTest {
    private static final long SEED = 5;
    private static final int MUTANTS = 100;

    @TempDir
    Path folder;

    @Test
    void damagedLibrariesLeaveNothingHalfMade() throws Exception {
        byte[] original = TestLibrary.elf(List.of(TestLibrary.likeNd4j(3, Compression.LZ4)), SEED);
        ScriptCompiler compiler = ScriptCompiler.create(folder, "printf '\\177ELF.....kernels' > $2\n");
        Retargeter retargeter = new Retargeter(compiler, new GpuArchitecture(90), 3, 1, new RetargetListener() {});
        Random random = new Random(SEED);
        int translated = 0;
        for (int i = 0; i < MUTANTS; i++) {
            byte[] mutant = original.clone();
            int at = random.nextInt(4) == 0 ? random.nextInt(mutant.length) : 64 + 1000 + random.nextInt(200);
            mutant[at] ^= (byte) (1 + random.nextInt(255));
            Path library = Files.write(folder.resolve("mutant.so"), mutant);
            Path output = folder.resolve("output-" + i);
            try {
                retargeter.retarget(library, output);
                translated++;
            } catch (IOException e) {
                try (Stream<Path> files = Files.list(output)) {
                    assertEquals(
                            List.of(".lock", "modules-sm_90-script-1.0-O3"),
                            files.map(file -> file.getFileName().toString())
                                    .sorted()
                                    .toList(),
                            e.getMessage());
                }
            }
        }
        assertTrue(translated > MUTANTS / 10 && translated < MUTANTS * 9 / 10, translated + " translated");
    }
}
