package org.phantom4j.comm.aeron;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.aeron.driver.MediaDriver;
import io.aeron.driver.buffer.FileStoreLogFactory;
import io.aeron.driver.buffer.RawLog;
import java.nio.file.Path;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ClearedLogsTest {

    private static final int TERM = 1 << 20;

    @TempDir
    Path directory;

    @Test
    void thisAeronTakesThem() {
        assertTrue(ClearedLogs.installIn(new MediaDriver.Context()));
    }

    @Test
    void theyAreAeronsOwnButForClearing() {
        try (FileStoreLogFactory aerons = new FileStoreLogFactory(directory.toString(), 4096, true, 0, error -> {});
                RawLog log = ClearedLogs.cleared(aerons.newPublication(1, TERM, true))) {
            UnsafeBuffer term = log.termBuffers()[1];
            term.setMemory(0, TERM, (byte) 7);
            term.setMemory(8, TERM - 16, (byte) 0);
            assertEquals(7, term.getByte(7));
            assertEquals(0, term.getByte(8));
            assertEquals(0, term.getByte(TERM - 9));
            assertEquals(7, term.getByte(TERM - 8));
            assertEquals(0, log.termBuffers()[0].getByte(TERM - 1));
        }
    }

    @Test
    void aFreedLogForgetsItsMemory() {
        try (FileStoreLogFactory aerons = new FileStoreLogFactory(directory.toString(), 4096, true, 0, error -> {})) {
            RawLog log = ClearedLogs.cleared(aerons.newImage(1, TERM, true));
            UnsafeBuffer term = log.termBuffers()[0];
            assertTrue(log.free());
            assertEquals(0, term.capacity());
        }
    }
}
