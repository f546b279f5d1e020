package org.phantom4j.ops.cache;

import java.util.Arrays;
import java.util.Random;

/** What happens to files: cut short, bits turned over, a part lost in zeros, something appended. Each damage changes the file. */
public final class Damage {

    private static final int BYTE_BITS = 8;
    private static final int LOST_BYTES = 512;

    private Damage() {}

    /** A damaged copy. */
    public static byte[] of(byte[] whole, Random random) {
        byte[] damaged = whole.clone();
        switch (random.nextInt(4)) {
            case 0 -> damaged = Arrays.copyOf(whole, random.nextInt(whole.length));
            case 1 -> flip(damaged, random, 1 + random.nextInt(3));
            case 2 -> {
                int from = random.nextInt(whole.length);
                Arrays.fill(damaged, from, Math.min(whole.length, from + LOST_BYTES), (byte) 0);
            }
            default -> damaged = Arrays.copyOf(whole, whole.length + 1 + random.nextInt(LOST_BYTES));
        }
        if (Arrays.equals(whole, damaged)) {
            flip(damaged, random, 1);
        }
        return damaged;
    }

    /** Turns over that many different bits. */
    private static void flip(byte[] bytes, Random random, int count) {
        random.ints(0, BYTE_BITS * bytes.length)
                .distinct()
                .limit(count)
                .forEach(bit -> bytes[bit / BYTE_BITS] ^= (byte) (1 << bit % BYTE_BITS));
    }
}
