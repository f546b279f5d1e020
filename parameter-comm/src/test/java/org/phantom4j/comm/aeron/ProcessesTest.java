package org.phantom4j.comm.aeron;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.aeron.driver.MediaDriver;
import io.aeron.driver.ThreadingMode;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchService;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.agrona.concurrent.SleepingMillisIdleStrategy;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.phantom4j.comm.world.RankProcesses;

/** Ranks that are processes of this machine. */
@Tag("system")
@Timeout(900)
class ProcessesTest {

    private static final long LIVENESS_NS = TimeUnit.MINUTES.toNanos(10);

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4, 8})
    void processesComputeTheSame(int ranks) throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
        List<String> command = RankMain.command("0", "600000");
        int status = RankProcesses.run(command, ranks, Map.of(), out, out);
        String output = bytes.toString(StandardCharsets.UTF_8);
        assertEquals(0, status, output);
        List<String> done =
                output.lines().filter(line -> line.contains("done 200")).toList();
        assertEquals(ranks, done.size(), output);
        assertEquals(1, done.stream().map(line -> line.substring(4)).distinct().count(), "ranks disagree: " + output);
    }

    @Test
    void aMediaDriverThatRunsAlreadyIsUsed(@TempDir Path directory) throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
        String driverDirectory = directory.resolve("driver").toString();
        MediaDriver.Context context = new MediaDriver.Context()
                .aeronDirectoryName(driverDirectory)
                .threadingMode(ThreadingMode.SHARED)
                .sharedIdleStrategy(new SleepingMillisIdleStrategy(1))
                .clientLivenessTimeoutNs(LIVENESS_NS)
                .imageLivenessTimeoutNs(LIVENESS_NS)
                .publicationUnblockTimeoutNs(2 * LIVENESS_NS)
                .dirDeleteOnShutdown(true);
        try (MediaDriver driver = MediaDriver.launch(context);
                WatchService streams = FileSystems.getDefault().newWatchService()) {
            Path.of(driver.aeronDirectoryName(), "publications")
                    .register(streams, StandardWatchEventKinds.ENTRY_CREATE);
            List<String> command = RankMain.command("0", "600000");
            int status = RankProcesses.run(command, 2, Map.of("PHANTOM_AERON_DIR", driverDirectory), out, out);
            assertEquals(0, status, bytes.toString(StandardCharsets.UTF_8));
            assertNotNull(streams.poll(), "the ranks used another driver");
        }
    }

    @Test
    void aFailureEndsAllWithItsMessage() throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
        List<String> command = RankMain.command("nonsense", "1000");
        assertEquals(1, RankProcesses.run(command, 2, Map.of(), out, out));
        String output = bytes.toString(StandardCharsets.UTF_8);
        assertTrue(output.contains("failed first, with status 1: For input string: \"nonsense\""), output);
    }
}
