package org.phantom4j.comm.aeron;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.ByteBuffer;
import org.agrona.BufferUtil;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CopiesTest {

    private static final int GUARD = 64;

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 16 * 1024 - 1, 16 * 1024, 65_456, 1_000_003})
    void justTheseBytesAreCopiedAndCleared(int bytes) {
        ByteBuffer from = ByteBuffer.allocateDirect(bytes + 2 * GUARD);
        ByteBuffer to = ByteBuffer.allocateDirect(bytes + 2 * GUARD);
        for (int i = 0; i < from.capacity(); i++) {
            from.put(i, (byte) (i % 101 + 1));
            to.put(i, (byte) -1);
        }
        Copies.copy(BufferUtil.address(from) + GUARD, BufferUtil.address(to) + GUARD, bytes);
        for (int i = 0; i < to.capacity(); i++) {
            assertEquals(isWithin(i, bytes) ? from.get(i) : -1, to.get(i), "byte " + i);
        }
        Copies.clear(BufferUtil.address(to) + GUARD, bytes);
        for (int i = 0; i < to.capacity(); i++) {
            assertEquals(isWithin(i, bytes) ? 0 : -1, to.get(i), "byte " + i);
        }
    }

    private static boolean isWithin(int i, int bytes) {
        return i >= GUARD && i < GUARD + bytes;
    }
}
