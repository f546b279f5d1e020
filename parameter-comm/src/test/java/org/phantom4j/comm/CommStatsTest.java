package org.phantom4j.comm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class CommStatsTest {

    @Test
    void nearEvenBlocksFollowOneAnother() {
        for (long length : new long[] {0, 1, 6, 7, 8, 1000, (1L << 40) + 5}) {
            for (int blocks = 1; blocks <= 8; blocks++) {
                long next = 0;
                for (int i = 0; i < blocks; i++) {
                    assertEquals(next, CommStats.nearEvenStart(length, blocks, i));
                    next += CommStats.nearEvenBlock(length, blocks, i);
                }
                assertEquals(length, next);
                assertEquals(length, CommStats.nearEvenStart(length, blocks, blocks));
                assertTrue(
                        CommStats.nearEvenBlock(length, blocks, 0) - CommStats.nearEvenBlock(length, blocks, blocks - 1)
                                <= 1);
            }
        }
    }
}
