package org.phantom4j.comm.aeron;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Ranks on hosts whose network is cut: network namespaces on a bridge in one of its own. Needs root and iproute2; skipped
 * elsewhere.
 */
@Tag("system")
@Timeout(300)
class NetworkCutTest {

    private static final int RANKS = 3;
    private static final int PORT = 29_555;
    private static final int CUT_OFF = 2;

    @TempDir
    Path directory;

    private final String prefix = "p4j" + ProcessHandle.current().pid() + "-";
    private final List<String> namespaces = new ArrayList<>();
    private ProcessJob job;

    private record Ended(int status, String output) {}

    private static Ended command(String... words) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(words).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Ended(process.waitFor(), output);
    }

    private static void ip(String words) throws IOException, InterruptedException {
        Ended ended = command(("ip " + words).split(" ", -1));
        assertEquals(0, ended.status(), "ip " + words + ": " + ended.output());
    }

    private String name(Object which) {
        return prefix + which;
    }

    /** One host for each rank, 10.99.7.1 and on, all on one bridge. */
    @BeforeEach
    void connect() throws Exception {
        requireNamespaces();
        add("switch");
        ip("-n " + name("switch") + " link add bridge type bridge");
        ip("-n " + name("switch") + " link set bridge up");
        for (int rank = 0; rank < RANKS; rank++) {
            add(rank);
            String own = "-n " + name(rank) + " ";
            String atSwitch = "-n " + name("switch") + " ";
            ip(own + "link add net type veth peer name port" + rank + " netns " + name("switch"));
            ip(own + "addr add 10.99.7." + (rank + 1) + "/24 dev net");
            ip(own + "link set net up");
            ip(own + "link set lo up");
            ip(atSwitch + "link set port" + rank + " master bridge");
            ip(atSwitch + "link set port" + rank + " up");
        }
        job = new ProcessJob(directory, "10.99.7.1", PORT);
    }

    private void requireNamespaces() throws InterruptedException {
        Ended tried;
        try {
            tried = command("ip", "netns", "add", name("try"));
        } catch (IOException e) {
            tried = new Ended(1, e.getMessage());
        }
        assumeTrue(
                tried.status() == 0,
                "cannot make network namespaces here: " + tried.output().strip());
        namespaces.add(name("try"));
    }

    private void add(Object which) throws Exception {
        ip("netns add " + name(which));
        namespaces.add(name(which));
    }

    @AfterEach
    void disconnect() throws Exception {
        if (job != null) {
            job.close();
        }
        for (String namespace : namespaces) {
            ip("netns del " + namespace);
        }
    }

    private void start(String seconds, String timeoutMs) throws Exception {
        for (int rank = 0; rank < RANKS; rank++) {
            job.start(RANKS, List.of("ip", "netns", "exec", name(rank)), seconds, timeoutMs, "2000");
        }
        job.awaitJoined();
    }

    private void cut(boolean off) throws Exception {
        ip("-n " + name("switch") + " link set port" + CUT_OFF + (off ? " down" : " up"));
    }

    /** Packets that the host that is cut off has received. */
    private long received() throws Exception {
        Ended ended = command("ip", "netns", "exec", name(CUT_OFF), "cat", "/sys/class/net/net/statistics/rx_packets");
        assertEquals(0, ended.status(), ended.output());
        return Long.parseLong(ended.output().strip());
    }

    @Test
    void aCutOfThreeSecondsIsSurvived() throws Exception {
        start("12", "30000");
        assertFlows(true);
        cut(true);
        assertFlows(false);
        Thread.sleep(2_500);
        cut(false);
        List<String> results = new ArrayList<>();
        for (int rank = 0; rank < RANKS; rank++) {
            assertTrue(job.process(rank).waitFor(120, TimeUnit.SECONDS), job.output(rank));
            assertEquals(0, job.process(rank).exitValue(), job.output(rank));
            results.add(job.output(rank)
                    .lines()
                    .filter(line -> line.startsWith("done"))
                    .findFirst()
                    .orElse("none"));
        }
        assertEquals(1, results.stream().distinct().count(), results.toString());
    }

    private void assertFlows(boolean expected) throws Exception {
        Thread.sleep(100);
        long before = received();
        Thread.sleep(400);
        long packets = received() - before;
        assertEquals(expected, packets > 0, packets + " packets");
    }

    @Test
    void aCutForGoodFailsEveryoneByName() throws Exception {
        start("120", "60000");
        assertFlows(true);
        cut(true);
        long deadlineNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        assertFlows(false);
        job.assertSurvivorsFail(CUT_OFF, 10, "died or was cut off");
        job.assertFails(CUT_OFF, deadlineNs, "rank 0 (host ", "died or was cut off", "collective number");
    }
}
