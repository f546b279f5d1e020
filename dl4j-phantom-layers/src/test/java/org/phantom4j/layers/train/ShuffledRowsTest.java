package org.phantom4j.layers.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** The order of samples belongs to a training's seed: these are literal, so that it stays what it is. */
class ShuffledRowsTest {

    @Test
    void theOrderIsWhatItAlwaysWas() {
        assertArrayEquals(new int[] {6, 11, 0, 2, 5, 7, 10, 4, 9, 3, 1, 8}, ShuffledRows.order(12, 1));
        assertArrayEquals(new int[] {10, 6, 11, 9, 3, 7, 5, 8, 0, 2, 4, 1}, ShuffledRows.order(12, 42));
        assertArrayEquals(new int[] {7, 11, 4, 8, 3, 5, 1, 0, 6, 9, 10, 2}, ShuffledRows.order(12, 12345678901L));
        assertEquals(1596941981, Arrays.hashCode(ShuffledRows.order(60_000, 1)));
    }

    @Test
    void anEpochHasTheOrderOfSeedAndEpochTogether() {
        assertArrayEquals(ShuffledRows.order(12, 42), ShuffledRows.ofEpoch(12, 40, 2));
    }

    @Test
    void everyRowIsThereOnce() {
        int[] sorted = ShuffledRows.order(1_001, 7);
        Arrays.sort(sorted);
        assertArrayEquals(IntStream.range(0, 1_001).toArray(), sorted);
    }
}
