package org.phantom4j.ops.cuda.fatbin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;

/** Files that are damaged on purpose: each is read, or refused with an error that names an offset, in bounded time. */
class FatBinaryFuzzTest {
    private static final int MUTANTS = 5000;
    private static final long SEED = 20261123;
    private static final Duration EACH = Duration.ofSeconds(60);
    private static final long[] EXTREMES = {
        0, 1, -1, 15, 63, 64, 0xffff, 0x7fffffffL, 0x80000000L, 0xffffffffL, 1L << 40, Long.MAX_VALUE, Long.MIN_VALUE
    };

    @Test
    void fiveThousandDamagedFilesGiveCleanErrorsOnly() {
        Random random = new Random(SEED);
        byte[] library = TestLibrary.elf(
                List.of(
                        TestLibrary.likeNd4j(0, Compression.LZ4),
                        TestLibrary.likeNd4j(1, Compression.ZSTANDARD),
                        TestLibrary.likeNd4j(2, Compression.NONE)),
                SEED);
        int refused = 0;
        int changedImages = 0;
        for (int i = 0; i < MUTANTS; i++) {
            byte[] mutant = mutate(library, random);
            int number = i;
            boolean accepted = Assertions.assertTimeoutPreemptively(EACH, () -> readAll(mutant, number));
            refused += accepted ? 0 : 1;
            changedImages += accepted && !Arrays.equals(mutant, library) ? 1 : 0;
        }
        assertEquals(MUTANTS, refused + changedImages, "every mutant differs from the original");
        // a seed whose mutants all passed, or all failed at the first byte, would prove nothing
        assertTrue(refused > MUTANTS / 4, refused + " refused");
        assertTrue(changedImages > MUTANTS / 20, changedImages + " read");
    }

    /** {@return whether everything in the file could be read} */
    private static boolean readAll(byte[] file, int number) {
        ByteSource source = ByteSource.of(file);
        try {
            for (ElfSection section : FatBinary.sections(source)) {
                for (FatBinary container : FatBinary.read(source, section)) {
                    for (FatBinaryEntry entry : container.entries()) {
                        entry.image(source);
                    }
                }
            }
            return true;
        } catch (BinaryFormatException e) {
            assertTrue(e.getMessage().startsWith("at offset 0x"), e.getMessage());
            return false;
        } catch (IOException | RuntimeException | Error e) {
            return fail("mutant " + number + " of seed " + SEED + ": " + e, e);
        }
    }

    private static byte[] mutate(byte[] library, Random random) {
        byte[] mutant = library.clone();
        int fatBinaries = 64 + 1000;
        int table = library.length - 5 * 64;
        switch (random.nextInt(6)) {
            case 0 -> mutant = Arrays.copyOf(library, random.nextInt(library.length));
            case 1 -> flip(mutant, random, 0, library.length);
            case 2 -> flip(mutant, random, fatBinaries, 100);
            case 3 -> overwrite(mutant, random, fatBinaries + 8 * random.nextInt((table - fatBinaries) / 8));
            case 4 ->
                overwrite(
                        mutant, random, random.nextBoolean() ? 8 * random.nextInt(8) : table + 8 * random.nextInt(40));
            default -> {
                int length = 1 + random.nextInt(500);
                int from = random.nextInt(library.length - length);
                int to = random.nextInt(library.length - length);
                System.arraycopy(library, from, mutant, to, length);
            }
        }
        if (Arrays.equals(mutant, library)) {
            mutant[fatBinaries + random.nextInt(1000)] ^= 0x55;
        }
        return mutant;
    }

    private static void flip(byte[] mutant, Random random, int start, int length) {
        for (int flips = 1 + random.nextInt(8); flips > 0; flips--) {
            mutant[start + random.nextInt(length)] ^= (byte) (1 << random.nextInt(8));
        }
    }

    /** Puts a number that is likely to be mishandled into a field of 2, 4 or 8 bytes. */
    private static void overwrite(byte[] mutant, Random random, int at) {
        long value = EXTREMES[random.nextInt(EXTREMES.length)];
        int bytes = 2 << random.nextInt(3);
        int start = at + random.nextInt(9 - bytes);
        for (int i = 0; i < bytes; i++) {
            mutant[start + i] = (byte) (value >> (8 * i));
        }
    }
}
