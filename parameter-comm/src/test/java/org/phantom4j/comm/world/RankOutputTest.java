package org.phantom4j.comm.world;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class RankOutputTest {

    private final ByteArrayOutputStream outBytes = new ByteArrayOutputStream();
    private final ByteArrayOutputStream errBytes = new ByteArrayOutputStream();
    private final RankOutput output = new RankOutput(2, stream(outBytes), stream(errBytes));

    private static PrintStream stream(ByteArrayOutputStream bytes) {
        return new PrintStream(bytes, true, StandardCharsets.UTF_8);
    }

    private void copy(int rank, String text, boolean isError) {
        output.copy(rank, new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)), isError);
    }

    private static String text(ByteArrayOutputStream bytes) {
        return bytes.toString(StandardCharsets.UTF_8).replace(System.lineSeparator(), "\n");
    }

    @Test
    void everyLineHasItsRank() {
        copy(0, "one\ntwo ü\n\n", false);
        copy(1, "three\r\nfour", true);
        assertEquals("[0] one\n[0] two ü\n[0] \n", text(outBytes));
        assertEquals("[1] three\n[1] four\n", text(errBytes));
        assertNull(output.lastError(0));
        assertEquals("four", output.lastError(1));
    }

    @Test
    void progressIsWrittenOverAndMakesRoomForLines() {
        copy(0, "\r10 %\r20 %\n", true);
        assertEquals("[0] 10 %\r        \r[0] 20 %\n", text(errBytes));
        errBytes.reset();
        copy(0, "\r30 %\r", true);
        // without what comes next it is not known whether the line ends there
        assertEquals("[0] 30 %", text(errBytes).strip());
    }

    @Test
    void progressFitsIntoOneLine() {
        copy(1, "\r" + "x".repeat(200) + "\ry\n", true);
        assertEquals("[1] " + "x".repeat(75) + "\r" + " ".repeat(79) + "\r[1] y\n", text(errBytes));
    }

    @Test
    void aFailureIsToldOnce() {
        String died = "phantom: rank 1 (host a, process 7) died or was cut off: its connection ended (";
        copy(0, "careful\n" + died + "EOFException) [rank 0 was in barrier (collective number 3)]\n", true);
        copy(1, died + "SocketException: reset) [rank 1 was about to start]\n", true);
        assertEquals("[0] careful\n", text(errBytes));
        output.release(died + "EOFException) [rank 0 was in barrier (collective number 3)]");
        assertEquals("[0] careful\n", text(errBytes));
    }

    @Test
    void otherFailuresAreToldToo() {
        copy(0, "phantom: no file x.csv\n", true);
        copy(1, "phantom: out of memory\n", true);
        output.release("phantom: no file x.csv");
        assertEquals("[1] phantom: out of memory\n", text(errBytes));
        assertEquals("phantom: no file x.csv", output.lastError(0));
    }

    @Test
    void whatComesAfterAHeldLineComesAfterIt() {
        copy(0, "phantom: a warning\n", true);
        copy(0, "result\n", false);
        assertEquals("[0] phantom: a warning\n", text(errBytes));
        copy(1, "phantom: another\n", true);
        output.release("");
        assertEquals("[0] phantom: a warning\n[1] phantom: another\n", text(errBytes));
    }
}
