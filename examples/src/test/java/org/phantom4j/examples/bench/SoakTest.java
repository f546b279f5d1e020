package org.phantom4j.examples.bench;

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
import org.phantom4j.comm.world.RankProcesses;
import org.phantom4j.examples.cli.Main;

/** Half a minute of {@code bench soak}, with flat memory. */
@Tag("system")
@Timeout(300)
class SoakTest {

    private static final Pattern MEMORY = Pattern.compile("native arrays ([\\d,]+) MiB, resident ([\\d,]+) MiB");
    private static final long MOST_GROWTH_MIB = 250;

    @Test
    void randomCollectivesForHalfAMinute() throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
        List<String> arguments =
                List.of("bench", "soak", "--ranks", "3", "--seconds", "30", "--seed", "1", "--max-elements", "50000");
        int status =
                RankProcesses.run(RankProcesses.javaCommand(Main.class.getName(), arguments), 3, Map.of(), out, out);
        String output = bytes.toString(StandardCharsets.UTF_8);
        assertEquals(0, status, output);
        assertTrue(output.contains("are those of back end local"), output);
        List<String> lines =
                output.lines().filter(line -> line.contains("rounds, ")).toList();
        assertTrue(lines.size() > 5, output);
        // malloc gives back when it likes: peaks are compared; the first few rounds are for the compiler and the caches
        int middle = lines.size() / 2;
        for (int group : new int[] {1, 2}) {
            long early = peakMib(lines.subList(2, middle), group);
            long late = peakMib(lines.subList(middle, lines.size()), group);
            assertTrue(late - early < MOST_GROWTH_MIB, "memory grew: " + output);
        }
    }

    private static long peakMib(List<String> lines, int group) {
        return lines.stream().mapToLong(line -> mib(line, group)).max().orElseThrow();
    }

    private static long mib(String line, int group) {
        Matcher matcher = MEMORY.matcher(line);
        assertTrue(matcher.find(), line);
        return Long.parseLong(matcher.group(group).replace(",", ""));
    }
}
