package org.phantom4j.comm.aeron;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.phantom4j.comm.world.RankProcesses;
import org.phantom4j.comm.world.Secret;
import org.phantom4j.comm.world.World;

/** What the others do when a rank's process is killed or stopped. */
@Tag("system")
@Timeout(600)
class FaultsTest {

    private static final int RANKS = 3;
    private static final int KILLS = 20;

    @TempDir
    Path directory;

    private final List<Process> processes = new ArrayList<>();

    @AfterEach
    void end() {
        processes.forEach(Process::destroyForcibly);
    }

    private void start(String timeoutMs) throws IOException {
        processes.clear();
        int port;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = socket.getLocalPort();
        }
        String secret = Secret.random();
        for (int rank = 0; rank < RANKS; rank++) {
            ProcessBuilder builder = new ProcessBuilder(
                    RankProcesses.javaCommand(RankMain.class.getName(), List.of("120", timeoutMs, "2000")));
            builder.environment().put(World.RANK, Integer.toString(rank));
            builder.environment().put(World.WORLD_SIZE, Integer.toString(RANKS));
            builder.environment().put(World.MASTER_ADDR, "127.0.0.1");
            builder.environment().put(World.MASTER_PORT, Integer.toString(port));
            builder.environment().put(Secret.VARIABLE, secret);
            builder.environment().put("OMP_NUM_THREADS", "1");
            builder.redirectErrorStream(true).redirectOutput(log(rank).toFile());
            processes.add(builder.start());
        }
    }

    private Path log(int rank) {
        return directory.resolve("rank" + rank + ".log");
    }

    private String output(int rank) throws IOException {
        return Files.readString(log(rank), StandardCharsets.UTF_8);
    }

    private void awaitJoined() throws Exception {
        long beganNs = System.nanoTime();
        for (int rank = 0; rank < RANKS; rank++) {
            while (!output(rank).contains("joined")) {
                assertTrue(System.nanoTime() - beganNs < TimeUnit.SECONDS.toNanos(60), "not joined: " + output(rank));
                Thread.sleep(20);
            }
        }
    }

    private static void signal(Process process, String name) throws Exception {
        assertEquals(
                0,
                new ProcessBuilder("kill", "-" + name, Long.toString(process.pid()))
                        .start()
                        .waitFor());
    }

    /** Every rank but {@code victim} ends by itself within {@code seconds}, and says {@code what}. */
    private void assertSurvivorsFail(int victim, long seconds, String what) throws Exception {
        long deadlineNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
        for (int rank = 0; rank < RANKS; rank++) {
            if (rank != victim) {
                Process process = processes.get(rank);
                assertTrue(
                        process.waitFor(deadlineNs - System.nanoTime(), TimeUnit.NANOSECONDS),
                        "rank " + rank + " still runs: " + output(rank));
                assertEquals(1, process.exitValue(), output(rank));
                assertTrue(output(rank).contains("rank " + victim + " (host "), output(rank));
                assertTrue(output(rank).contains(what), output(rank));
                assertTrue(output(rank).contains("collective number"), output(rank));
            }
        }
    }

    @Test
    void aKilledRankFailsTheOthersAndLeavesNothingBehind() throws Exception {
        Random random = new Random(7);
        for (int kill = 0; kill < KILLS; kill++) {
            int victim = kill % RANKS;
            start("60000");
            awaitJoined();
            Thread.sleep(random.nextInt(500));
            signal(processes.get(victim), "KILL");
            assertSurvivorsFail(victim, 10, "died or was cut off");
            assertEquals(128 + 9, processes.get(victim).waitFor());
        }
        try (DriverDirectories.Claim claim = DriverDirectories.claim(DriverDirectories.base())) {
            for (Process process : processes) {
                assertFalse(process.isAlive());
            }
            try (Stream<Path> left = Files.list(DriverDirectories.base())) {
                String own = claim.directory.getFileName().toString();
                assertEquals(
                        List.of(own + ".lock"),
                        left.map(path -> path.getFileName().toString()).toList(),
                        "dead jobs' directories were not deleted");
            }
        }
    }

    @Test
    void aStoppedRankIsUnresponsiveAtTheDeadline() throws Exception {
        for (int victim = 0; victim < RANKS; victim++) {
            start("3000");
            awaitJoined();
            signal(processes.get(victim), "STOP");
            long beganNs = System.nanoTime();
            assertSurvivorsFail(victim, 15, "is unresponsive");
            assertTrue(System.nanoTime() - beganNs > TimeUnit.SECONDS.toNanos(2), "failed before the deadline");
            signal(processes.get(victim), "KILL");
        }
    }

    @Test
    void aPauseShorterThanTheDeadlineIsSurvived() throws Exception {
        start("20000");
        awaitJoined();
        signal(processes.get(1), "STOP");
        Thread.sleep(3000);
        signal(processes.get(1), "CONT");
        Thread.sleep(2000);
        for (int rank = 0; rank < RANKS; rank++) {
            assertTrue(processes.get(rank).isAlive(), output(rank));
        }
    }
}
