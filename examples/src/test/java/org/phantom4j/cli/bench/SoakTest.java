package org.phantom4j.cli.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.phantom4j.cli.Main;
import org.phantom4j.comm.world.RankProcesses;

/** Half a minute of {@code bench soak}, with flat memory. */
@Tag("system")
@Timeout(900)
class SoakTest {

    /** The second and the last quarter's. */
    private static final Pattern PEAKS =
            Pattern.compile("resident memory of all ranks .*: \\d+, (\\d+), \\d+, (\\d+) MiB");

    private static final long MOST_GROWTH_MIB = 300;

    @Test
    void randomCollectivesForHalfAMinute() throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
        List<String> arguments = List.of(
                "bench",
                "soak",
                "--ranks",
                "3",
                "--seconds",
                "30",
                "--seed",
                "1",
                "--max-elements",
                "50000",
                "--timeout",
                "600");
        int status =
                RankProcesses.run(RankProcesses.javaCommand(Main.class.getName(), arguments), 3, Map.of(), out, out);
        String output = bytes.toString(StandardCharsets.UTF_8);
        assertEquals(0, status, output);
        assertTrue(output.contains("are those of back end local"), output);
        Matcher peaks = PEAKS.matcher(output);
        assertTrue(peaks.find(), output);
        // the first quarter of the rounds is for the compiler and the caches
        long growth = Long.parseLong(peaks.group(2)) - Long.parseLong(peaks.group(1));
        assertTrue(growth < MOST_GROWTH_MIB, "memory grew: " + output);
    }
}
