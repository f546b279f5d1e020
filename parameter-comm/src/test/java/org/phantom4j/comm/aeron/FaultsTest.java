package org.phantom4j.comm.aeron;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What the others do when a rank's process is killed or stopped. */
@Tag("system")
@Timeout(600)
class FaultsTest {

    private static final int RANKS = 3;
    private static final int KILLS = 20;

    @TempDir
    Path directory;

    private ProcessJob job;

    @AfterEach
    void end() {
        if (job != null) {
            job.close();
        }
    }

    private void start(String timeoutMs) throws Exception {
        int port;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = socket.getLocalPort();
        }
        job = new ProcessJob(directory, "127.0.0.1", port);
        for (int rank = 0; rank < RANKS; rank++) {
            job.start(RANKS, List.of(), "120", timeoutMs, "2000");
        }
        job.awaitJoined();
    }

    @Test
    void aKilledRankFailsTheOthersAndLeavesNothingBehind() throws Exception {
        Random random = new Random(7);
        for (int kill = 0; kill < KILLS; kill++) {
            int victim = kill % RANKS;
            start("60000");
            Thread.sleep(random.nextInt(500));
            job.signal(victim, "KILL");
            job.assertSurvivorsFail(victim, 10, "died or was cut off");
            assertEquals(128 + 9, job.process(victim).waitFor());
        }
        try (DriverDirectories.Claim claim = DriverDirectories.claim(DriverDirectories.base())) {
            for (int rank = 0; rank < RANKS; rank++) {
                assertFalse(job.process(rank).isAlive());
            }
            String own = claim.directory.getFileName() + ".lock";
            try (Stream<Path> left = Files.list(DriverDirectories.base())) {
                List<Path> abandoned = left.filter(path -> path.toString().endsWith(".lock"))
                        .filter(path -> !path.endsWith(own) && DriverDirectories.abandoned(path))
                        .toList();
                assertEquals(List.of(), abandoned, "dead jobs' directories were not deleted");
            }
        }
    }

    @Test
    void aStoppedRankIsUnresponsiveAtTheDeadline() throws Exception {
        for (int victim = 0; victim < RANKS; victim++) {
            start("3000");
            job.signal(victim, "STOP");
            long beganNs = System.nanoTime();
            job.assertSurvivorsFail(victim, 15, "is unresponsive");
            assertTrue(System.nanoTime() - beganNs > TimeUnit.SECONDS.toNanos(2), "failed before the deadline");
            job.signal(victim, "KILL");
        }
    }

    @Test
    void aPauseShorterThanTheDeadlineIsSurvived() throws Exception {
        start("20000");
        job.signal(1, "STOP");
        Thread.sleep(3000);
        job.signal(1, "CONT");
        Thread.sleep(2000);
        job.assertAllAlive();
    }
}
