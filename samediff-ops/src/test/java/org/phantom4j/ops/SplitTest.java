package org.phantom4j.ops;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class SplitTest {

    @Test
    void theFirstShardsAreOneWider() {
        Split split = new Split(13, 4);
        assertArrayEquals(new long[] {4, 3, 3, 3}, split.widths().toArray());
        assertArrayEquals(
                new long[] {0, 4, 7, 10, 13},
                LongStream.rangeClosed(0, 4)
                        .map(shard -> split.offset((int) shard))
                        .toArray());
    }

    @Test
    void shardsAreNearEvenNeighboursThatCoverTheWidth() {
        Random random = new Random(1);
        for (int i = 0; i < 200; i++) {
            int shards = 1 + random.nextInt(20);
            Split split = new Split(shards + random.nextInt(1000), shards);
            assertEquals(0, split.offset(0));
            assertEquals(split.length(), split.offset(shards));
            for (int shard = 0; shard < shards; shard++) {
                assertEquals(split.offset(shard) + split.width(shard), split.offset(shard + 1), split + " " + shard);
            }
            assertTrue(split.width(0) - split.width(shards - 1) <= 1, split.toString());
        }
    }

    @Test
    void aRanksElementsAreThoseOfItsShards() {
        Split split = new Split(13, 4);
        assertEquals(7, split.width(new ShardRange(0, 2)));
        assertArrayEquals(new long[] {35, 30}, split.counts(2, 5));
        assertArrayEquals(new long[] {4, 3, 3, 3}, split.counts(4, 1));
        assertArrayEquals(new long[] {26}, split.counts(1, 2));
    }

    @Test
    void aShardNeedsANeuron() {
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> new Split(3, 4));
        assertEquals("a width of 3 cannot be cut into 4 shards: every shard needs at least one neuron", e.getMessage());
        assertThrows(IllegalArgumentException.class, () -> new Split(3, 0));
    }

    @Test
    void ranksOwnEqualRangesOfShards() {
        assertEquals(new ShardRange(0, 6), ShardRange.of(0, 1, 6));
        assertEquals(new ShardRange(2, 4), ShardRange.of(1, 3, 6));
        assertEquals(new ShardRange(5, 6), ShardRange.of(5, 6, 6));
        assertEquals(2, new ShardRange(2, 4).count());
        assertArrayEquals(new int[] {2, 3}, new ShardRange(2, 4).stream().toArray());
    }

    @Test
    void ranksMustDivideTheShards() {
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> ShardRange.of(0, 4, 6));
        assertEquals(
                "6 shards cannot be spread over 4 ranks: the number of ranks must divide the shards (1 to 6: 1, 2, 3, 6)",
                e.getMessage());
        assertThrows(IllegalArgumentException.class, () -> ShardRange.of(0, 0, 6));
        assertThrows(IllegalArgumentException.class, () -> ShardRange.of(0, 12, 6));
    }
}
