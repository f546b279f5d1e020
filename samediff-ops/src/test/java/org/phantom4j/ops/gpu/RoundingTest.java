package org.phantom4j.ops.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** Random rounding's statistics, on the CPU; UpdateKernelsTest shows that the device rounds alike. */
class RoundingTest {

    private static final int PLACES = 512;
    private static final int STEPS = 2000;

    /** A weight of 1 is 1/128 from the next: by steps of 1/4096 alone it would never move. */
    @Test
    void manySmallStepsAddUp() {
        double step = 1.0 / 4096;
        double total = 0;
        for (int place = 0; place < PLACES; place++) {
            float weight = 1;
            for (int t = 1; t <= STEPS; t++) {
                weight = Rounding.rounded((float) (weight + step), t, place);
            }
            assertTrue(weight > 1, "weight " + place + " has not moved");
            total += weight - 1;
        }
        // a step's rounding has a variance of (1/32)(31/32) of the distance squared
        double deviation = Math.sqrt(STEPS / (double) PLACES * 31 / 1024) / 128;
        assertEquals(STEPS * step, total / PLACES, 4 * deviation);
    }

    /** The same value and the same gradient: a weight's rounding is another one each step, and each of its neighbours'. */
    @Test
    void stepsAndPlacesRoundIndependently() {
        float value = 1 + 1.0f / 256;
        int[] raised = new int[4];
        int count = PLACES * STEPS;
        for (int place = 0; place < PLACES; place++) {
            for (int t = 1; t <= STEPS; t++) {
                boolean now = Rounding.rounded(value, t, place) > value;
                raised[0] += now ? 1 : 0;
                raised[1] += now == Rounding.rounded(value, t + 1, place) > value ? 1 : 0;
                raised[2] += now == Rounding.rounded(value, t, place + 1) > value ? 1 : 0;
                raised[3] += now == Rounding.rounded(value, t + 1, place + 1) > value ? 1 : 0;
            }
        }
        for (int agreed : raised) {
            assertEquals(0.5, agreed / (double) count, 4 * 0.5 / Math.sqrt(count));
        }
    }

    @Test
    void whatFitsIsKept() {
        for (int t = 0; t < 1000; t++) {
            assertEquals(0f, Rounding.rounded(0, t, t));
            assertEquals(-1.5f, Rounding.rounded(-1.5f, t, 7 * t));
        }
    }
}
