package org.phantom4j.comm.world;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.phantom4j.comm.CommException;
import org.phantom4j.comm.CommException.Reason;
import org.phantom4j.comm.Doubling;

class JobTest {

    private static final Secret SECRET = Secret.of("nobody guesses this one");
    private static final Duration TIMEOUT = Duration.ofMinutes(2);

    /** What the coordinator says first. */
    private static final int HELLO_LENGTH = 44;

    /** What reading gives at the end of a connection. */
    private static final int NO_ANSWER = -1;

    private static final int MOST_ATTEMPTS = 20;
    private static final int MOST_SILENCE_MS = 60_000;

    /** Strangers that come as fast as they can. */
    private static final int FLOOD = 200;

    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final int port = freePort();

    private static int freePort() {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    @AfterEach
    void stop() {
        threads.shutdownNow();
    }

    private World world(int rank, int size) {
        return new World(rank, size, rank, "127.0.0.1", port);
    }

    private CompletableFuture<Job> join(int rank, int size, Secret secret, String geometry, Duration timeout) {
        return CompletableFuture.supplyAsync(() -> Job.join(world(rank, size), secret, geometry, timeout), threads);
    }

    private CompletableFuture<Job> join(int rank, int size) {
        return join(rank, size, SECRET, "p 4", TIMEOUT);
    }

    private List<Job> started(int size) {
        List<CompletableFuture<Job>> joining = new ArrayList<>();
        for (int rank = size - 1; rank >= 0; rank--) {
            joining.add(0, join(rank, size));
        }
        return joining.stream().map(CompletableFuture::join).toList();
    }

    private static CommException refusal(CompletableFuture<Job> joining) {
        CompletionException e = assertThrows(CompletionException.class, joining::join);
        return (CommException) e.getCause();
    }

    private void close(List<Job> jobs) {
        List<CompletableFuture<Void>> closing = jobs.stream()
                .map(job -> CompletableFuture.runAsync(job::close, threads))
                .toList();
        closing.forEach(CompletableFuture::join);
    }

    @Test
    void ranksMeetAndExchange() {
        List<Job> jobs = started(4);
        for (Job job : jobs) {
            assertEquals(jobs.get(0).token(), job.token());
            assertEquals(4, job.members().size());
            assertEquals(ProcessHandle.current().pid(), job.members().get(3).process());
        }
        for (int round = 0; round < 3; round++) {
            byte[] bytes = {(byte) round};
            List<CompletableFuture<List<byte[]>>> exchanges = jobs.stream()
                    .map(job -> CompletableFuture.supplyAsync(
                            () -> job.exchange(new byte[] {(byte) job.world().rank(), bytes[0]}), threads))
                    .toList();
            for (CompletableFuture<List<byte[]>> exchange : exchanges) {
                assertArrayEquals(new byte[] {2, bytes[0]}, exchange.join().get(2));
            }
        }
        close(jobs);
    }

    @Test
    void aWrongSecretIsRefused() {
        CompletableFuture<Job> zero = join(0, 2);
        CommException e = refusal(join(1, 2, Secret.of("this is another secret"), "p 4", TIMEOUT));
        assertEquals(Reason.REFUSED, e.reason());
        assertTrue(e.getMessage().contains("PHANTOM_SECRET"), e.getMessage());
        Job one = join(1, 2).join();
        close(List.of(zero.join(), one));
    }

    @Test
    void whatDiffersIsNamed() {
        CompletableFuture<Job> zero = join(0, 3);
        CommException size = refusal(join(1, 4));
        assertTrue(size.getMessage().contains("WORLD_SIZE 4 but rank 0 has 3"), size.getMessage());
        CommException geometry = refusal(join(1, 3, SECRET, "p 8", TIMEOUT));
        assertTrue(geometry.getMessage().contains("'p 8'"), geometry.getMessage());
        assertTrue(geometry.getMessage().contains("'p 4'"), geometry.getMessage());
        assertEquals(Reason.REFUSED, geometry.reason());
        CompletableFuture<Job> one = join(1, 3);
        CompletableFuture<Job> two = join(2, 3);
        close(List.of(zero.join(), one.join(), two.join()));
    }

    @Test
    void anotherVersionIsNamed() throws Exception {
        CompletableFuture<Job> zero = join(0, 2);
        ControlChannel.Message answer;
        try (ControlChannel channel = connectWhenUp()) {
            channel.send(Messages.HELLO, out -> {
                new Member(1, "elsewhere", 1, "another").write(out);
                out.writeInt(2);
                out.writeUTF("phantom4j 99");
                out.writeUTF("p 4");
            });
            answer = channel.receive();
        }
        assertEquals(Messages.REFUSED, answer.type());
        String message = answer.body().readUTF();
        assertTrue(message.contains("runs phantom4j 99 but rank 0 runs phantom4j"), message);
        Job one = join(1, 2).join();
        close(List.of(zero.join(), one));
    }

    private ControlChannel connectWhenUp() throws Exception {
        long beganNs = System.nanoTime();
        while (true) {
            try {
                return ControlChannel.connect(
                        new Socket(InetAddress.getLoopbackAddress(), port), SECRET, MOST_SILENCE_MS);
            } catch (ConnectException e) {
                assertTrue(System.nanoTime() - beganNs < TIMEOUT.toNanos(), e.getMessage());
                Thread.sleep(20);
            }
        }
    }

    @Test
    void oneRankForEachProcess() throws Exception {
        CompletableFuture<Job> zero = join(0, 3);
        CompletableFuture<Job> a = join(1, 3);
        CompletableFuture<Job> b = join(1, 3);
        CompletableFuture.anyOf(a.exceptionally(e -> null), b.exceptionally(e -> null))
                .join();
        CommException e = refusal(a.isCompletedExceptionally() ? a : b);
        assertTrue(e.getMessage().contains("claims the rank of rank 1"), e.getMessage());
        CompletableFuture<Job> two = join(2, 3);
        close(List.of(zero.join(), (a.isCompletedExceptionally() ? b : a).join(), two.join()));
    }

    @Test
    void lateComersAreRefused() {
        List<Job> jobs = started(2);
        CommException e = refusal(join(1, 2));
        assertTrue(e.getMessage().contains("too late"), e.getMessage());
        close(jobs);
    }

    @Test
    void whoIsMissingIsNamedAtTheDeadline() throws Exception {
        Doubling.from(Duration.ofSeconds(1), deadline -> {
            CompletableFuture<Job> zero = join(0, 3, SECRET, "p 4", deadline);
            CompletableFuture<Job> two = join(2, 3, SECRET, "p 4", deadline);
            for (CompletableFuture<Job> joining : List.of(zero, two)) {
                CommException e = refusal(joining);
                assertEquals(Reason.TIMEOUT, e.reason());
                assertTrue(
                        e.getMessage().contains("rank 1 did not join within " + deadline.toMillis() + " ms"),
                        e.getMessage());
            }
        });
    }

    @Test
    void noCoordinatorIsATimeout() {
        CommException e = refusal(join(1, 2, SECRET, "", Duration.ofMillis(300)));
        assertEquals(Reason.TIMEOUT, e.reason());
        assertTrue(e.getMessage().contains("127.0.0.1:" + port), e.getMessage());
    }

    @Test
    void aFailureReachesEveryone() throws Exception {
        List<Job> jobs = started(3);
        jobs.get(2).fail(new CommException(Reason.RANK_FAILED, "rank 2 has had enough"));
        for (Job job : jobs) {
            CommException e = awaitFailure(job);
            assertEquals("rank 2 has had enough", e.getMessage());
        }
        close(jobs);
    }

    /** As when rank 0's media driver is gone, and Aeron says so before this rank hears that it may go. */
    @Test
    void whatFailsOnceAllAreDoneDoesNotConcernTheJob() throws Exception {
        try (ServerSocket server = new ServerSocket(port, 2, InetAddress.getLoopbackAddress())) {
            CompletableFuture<Job> joining = join(1, 2);
            try (ControlChannel messages = ControlChannel.accept(server.accept(), SECRET)) {
                Member one = Member.read(messages.receive().body());
                messages.send(Messages.WELCOME, out -> {
                    out.writeLong(7);
                    out.writeUTF("");
                    new Member(0, "here", 1, "this machine").write(out);
                    one.write(out);
                });
                try (ControlChannel beats = ControlChannel.accept(server.accept(), SECRET)) {
                    assertEquals(Messages.BEAT, beats.receive().type());
                    Job job = joining.join();
                    CompletableFuture<Void> closing = CompletableFuture.runAsync(job::close, threads);
                    assertEquals(Messages.BYE, messages.receive().type());
                    job.fail(new CommException(Reason.RANK_FAILED, "the media driver is gone"));
                    messages.send(Messages.BYE, out -> {});
                    closing.join();
                }
            }
        }
    }

    @Test
    void thePortIsFreeForTheNextJob() {
        for (int round = 0; round < 50; round++) {
            List<Job> jobs = started(2);
            CompletableFuture<Void> last = CompletableFuture.runAsync(jobs.get(1)::close, threads);
            jobs.get(0).close();
            close(started(2));
            last.join();
        }
    }

    /** More than strangers could, and all of them once more at the moment when the job starts. */
    @Test
    void manyRanksJoinAtOnce() {
        List<Job> jobs = started(100);
        assertEquals(100, jobs.get(99).members().size());
        close(jobs);
    }

    private static CommException awaitFailure(Job job) throws InterruptedException {
        long beganNs = System.nanoTime();
        while (System.nanoTime() - beganNs < TIMEOUT.toNanos()) {
            try {
                job.check();
            } catch (CommException e) {
                return e;
            }
            Thread.sleep(10);
        }
        throw new AssertionError("the job did not fail");
    }

    @Test
    void aTimeoutIsBlamedOnWhoeverIsElsewhere() throws Exception {
        List<Job> jobs = started(2);
        jobs.get(0).onActivity(() -> "in all-reduce number 7");
        jobs.get(1).onActivity(() -> "not in a collective");
        CommException e = jobs.get(0).timedOut("in all-reduce number 7", Job.STUCK, List.of(1));
        assertEquals(Reason.TIMEOUT, e.reason());
        assertTrue(e.getMessage().contains("for rank 1 (host"), e.getMessage());
        assertTrue(e.getMessage().contains("which is not in a collective"), e.getMessage());
        // one that has not heard of it says so when it closes
        assertEquals(e.getMessage(), awaitFailure(jobs.get(1)).getMessage());
        close(jobs);
    }

    /** Most are served before the next comes: connections that find the queue full are tried again only after a second. */
    @Test
    @Timeout(1800)
    void strangersDoNotDisturb() throws Exception {
        Duration patience = Duration.ofMinutes(20);
        CompletableFuture<Job> zero = join(0, 2, SECRET, "p 4", patience);
        Random random = new Random(42);
        long before = usedMemory();
        for (int i = 0; i < 10_000; i++) {
            byte[] junk = new byte[random.nextInt(200)];
            random.nextBytes(junk);
            try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
                if (i >= FLOOD) {
                    socket.getInputStream().readNBytes(HELLO_LENGTH);
                }
                socket.getOutputStream().write(junk);
            } catch (IOException e) {
                // closed by the other side, before or after it read all
                assertTrue(i >= 0, e.getMessage());
            }
        }
        CompletableFuture<Job> one = join(1, 2, SECRET, "p 4", patience);
        close(List.of(zero.join(), one.join()));
        assertTrue(usedMemory() - before < 64 << 20, "memory grew with the number of strangers");
    }

    private static long usedMemory() {
        System.gc();
        return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
    }

    @Test
    @Timeout(1800)
    void aRecordedConversationIsNoWayIn() throws Exception {
        CompletableFuture<Job> zero = join(0, 2);
        try (Recorder recorder = new Recorder(port)) {
            threads.execute(recorder::relay);
            World detour = new World(1, 2, 1, "127.0.0.1", recorder.port());
            CompletableFuture<Job> one =
                    CompletableFuture.supplyAsync(() -> Job.join(detour, SECRET, "p 4", TIMEOUT), threads);
            Job first = zero.join();
            Job second = one.join();
            List<byte[]> recorded = recorder.toCoordinator();
            assertEquals(2, recorded.size(), "messages go over one connection, and beats over another");
            long before = usedMemory();
            for (int i = 0; i < 10_000; i++) {
                int answer = answerTo(recorded.get(i % 2));
                for (int again = 0; answer == NO_ANSWER && again < MOST_ATTEMPTS; again++) {
                    first.check();
                    answer = answerTo(recorded.get(i % 2));
                }
                assertEquals(0, answer, "a replayed proof was accepted");
            }
            assertTrue(usedMemory() - before < 64 << 20, "memory grew with the number of strangers");
            first.check();
            second.check();
            close(List.of(first, second));
        }
    }

    /** The coordinator's first byte; {@link #NO_ANSWER} if a stranger was too slow for it, which a busy machine makes. */
    private int answerTo(byte[] words) {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setSoTimeout(MOST_SILENCE_MS);
            socket.getInputStream().readNBytes(HELLO_LENGTH);
            socket.getOutputStream().write(words);
            return socket.getInputStream().read();
        } catch (IOException e) {
            return NO_ANSWER;
        }
    }
}
