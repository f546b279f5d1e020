package org.phantom4j.layers.matrix;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PairsTest {

    private static final int[] SIZES = {4, 1, 6, 3, 5};

    @Test
    void everyPairMeets() {
        List<int[]> rows = Pairs.rows(SIZES, 3);
        for (int a = 0; a < SIZES.length; a++) {
            for (int b = a + 1; b < SIZES.length; b++) {
                Set<String> met = new HashSet<>();
                for (int[] row : rows) {
                    met.add(row[a] + "," + row[b]);
                }
                assertEquals(SIZES[a] * SIZES[b], met.size(), "dimensions " + a + " and " + b);
            }
        }
        assertTrue(rows.size() < 2 * 5 * 6, rows.size() + " rows for at least 30");
    }

    @Test
    void rowsDependOnTheSeedAlone() {
        List<int[]> once = Pairs.rows(SIZES, 3);
        List<int[]> again = Pairs.rows(SIZES, 3);
        assertEquals(once.size(), again.size());
        for (int i = 0; i < once.size(); i++) {
            assertArrayEquals(once.get(i), again.get(i));
        }
    }
}
