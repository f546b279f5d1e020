package org.phantom4j.comm.aeron;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
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
@Timeout(900)
class NetworkCutTest {

    private static final int RANKS = 3;
    private static final int PORT = 29_555;
    private static final int CUT_OFF = 2;
    private static final long LONGEST_CUT_MS = 3_500;

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

    private void start(Path end) throws Exception {
        for (int rank = 0; rank < RANKS; rank++) {
            List<String> there = List.of("ip", "netns", "exec", name(rank));
            job.start(RANKS, there, "3600", "3600000", "2000", end.toString());
        }
        job.awaitJoined();
        awaitPackets();
    }

    private String cut(boolean off) {
        return "ip -n " + name("switch") + " link set port" + CUT_OFF + (off ? " down" : " up");
    }

    /** Prints how many packets the host that is cut off has received. */
    private String received() {
        return "ip netns exec " + name(CUT_OFF) + " cat /sys/class/net/net/statistics/rx_packets";
    }

    /** What commands print, one number a line: in one shell, so that little time passes between them. */
    private static long[] numbers(String... commands) throws Exception {
        Ended ended = command("sh", "-ec", String.join("\n", commands));
        assertEquals(0, ended.status(), ended.output());
        return ended.output().lines().mapToLong(Long::parseLong).toArray();
    }

    private void awaitPackets() throws Exception {
        long before = numbers(received())[0];
        long beganNs = System.nanoTime();
        while (numbers(received())[0] == before) {
            assertTrue(System.nanoTime() - beganNs < TimeUnit.MINUTES.toNanos(1), "no packets arrive");
            Thread.sleep(50);
        }
    }

    /** A job that is cut off is given up after five seconds: a cut that took longer than it should is tried again. */
    @Test
    void aCutOfThreeSecondsIsSurvived() throws Exception {
        long cutMs;
        do {
            job.close();
            job = new ProcessJob(directory, "10.99.7.1", PORT);
            Path end = directory.resolve("end" + System.nanoTime());
            start(end);
            String now = "date +%s%3N";
            long[] seen = numbers(now, cut(true), "sleep 0.1", received(), "sleep 2.7", received(), cut(false), now);
            cutMs = seen[3] - seen[0];
            if (cutMs <= LONGEST_CUT_MS) {
                assertEquals(seen[1], seen[2], "packets arrived");
                awaitPackets();
                Files.createFile(end);
                assertAllDone();
            }
        } while (cutMs > LONGEST_CUT_MS);
    }

    private void assertAllDone() throws Exception {
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

    @Test
    void aCutForGoodFailsEveryoneByName() throws Exception {
        start(directory.resolve("never"));
        long[] seen = numbers(cut(true), "sleep 0.1", received(), "sleep 0.4", received());
        assertEquals(seen[0], seen[1], "packets arrived");
        job.assertSurvivorsFail(CUT_OFF, "died or was cut off");
        job.assertFails(CUT_OFF, "rank 0 (host ", "died or was cut off", "collective number");
    }
}
