package org.phantom4j.comm.aeron;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.phantom4j.comm.Doubling;

/** What the others do when a rank's process is killed or stopped. */
@Tag("system")
@Timeout(1800)
class FaultsTest {

    private static final int RANKS = 3;
    private static final int KILLS = 20;
    private static final Duration LONG = Duration.ofHours(1);

    @TempDir
    Path directory;

    private ProcessJob job;

    @AfterEach
    void end() {
        if (job != null) {
            job.close();
        }
    }

    private void start(Duration timeout) throws Exception {
        end();
        int port;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = socket.getLocalPort();
        }
        job = new ProcessJob(directory, "127.0.0.1", port);
        for (int rank = 0; rank < RANKS; rank++) {
            job.start(RANKS, List.of(), "3600", Long.toString(timeout.toMillis()), "2000");
        }
        job.awaitJoined();
    }

    @Test
    void aKilledRankFailsTheOthersAndLeavesNothingBehind() throws Exception {
        Random random = new Random(7);
        for (int kill = 0; kill < KILLS; kill++) {
            int victim = kill % RANKS;
            start(LONG);
            Thread.sleep(random.nextInt(500));
            job.signal(victim, "KILL");
            job.assertSurvivorsFail(victim, "died or was cut off");
            assertEquals(128 + 9, job.process(victim).waitFor());
            assertNextJobCleansUp();
        }
    }

    private void assertNextJobCleansUp() throws IOException {
        for (int rank = 0; rank < RANKS; rank++) {
            assertFalse(job.process(rank).isAlive());
        }
        try (DriverDirectories.Claim claim = DriverDirectories.claim(job.drivers());
                Stream<Path> left = Files.list(job.drivers())) {
            assertEquals(
                    List.of(claim.directory + ".lock"), left.map(Path::toString).toList(), "dead jobs' directories");
        }
    }

    @Test
    void aStoppedRankIsUnresponsiveAtTheDeadline() throws Exception {
        for (int i = 0; i < RANKS; i++) {
            int victim = i;
            Doubling.from(Duration.ofSeconds(3), deadline -> {
                start(deadline);
                job.signal(victim, "STOP");
                long beganNs = System.nanoTime();
                job.assertSurvivorsFail(victim, "is unresponsive");
                assertTrue(System.nanoTime() - beganNs > deadline.toNanos(), "failed before the deadline");
            });
        }
    }

    @Test
    void aPauseShorterThanTheDeadlineIsSurvived() throws Exception {
        start(LONG);
        job.signal(1, "STOP");
        Thread.sleep(3000);
        job.signal(1, "CONT");
        Thread.sleep(2000);
        job.assertAllAlive();
    }
}
