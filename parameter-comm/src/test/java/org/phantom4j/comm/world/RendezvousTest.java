package org.phantom4j.comm.world;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.phantom4j.comm.CommException;
import org.phantom4j.comm.CommException.Reason;
import org.phantom4j.comm.Deadlines;
import org.slf4j.LoggerFactory;

class RendezvousTest {

    private static final Secret SECRET = Secret.of("nobody guesses this one");

    private final ExecutorService threads = Executors.newCachedThreadPool();

    @AfterEach
    void stop() {
        threads.shutdownNow();
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    @ParameterizedTest
    @CsvSource({
        // MASTER_ADDR, what it is on this host, whether all ranks are on it, where rank 0 listens
        "127.0.0.1, 127.0.0.1, false, 127.0.0.1",
        "::1, ::1, false, 0:0:0:0:0:0:0:1",
        // Kubeflow's name of rank 0 for itself
        "localhost, 127.0.0.1, false, 0.0.0.0",
        "localhost, ::1, false, 0:0:0:0:0:0:0:0",
        "localhost, 127.0.0.1, true, 127.0.0.1",
        // Debian's address of a host's own name
        "node1, 127.0.1.1, false, 0.0.0.0",
        "node1, 127.0.1.1, true, 127.0.1.1",
        // a service before rank 0, an address that is translated, a floating one: none of this host's
        "192.0.2.7, 192.0.2.7, false, 0.0.0.0",
        "rank0.service, 192.0.2.7, false, 0.0.0.0",
        "2001:db8::7, 2001:db8::7, false, 0:0:0:0:0:0:0:0",
    })
    void whereRankZeroListens(String masterAddress, String address, boolean oneHost, String listening)
            throws IOException {
        World world = new World(0, 2, 0, masterAddress, 29541, oneHost);
        assertEquals(
                listening,
                Rendezvous.listening(world, InetAddress.getByName(address)).getHostAddress());
    }

    /** A host's own name that is a loopback address there must not keep others out. */
    @Test
    void ranksMeetWhereTheNameIsALoopbackAddress() throws Exception {
        int port = freePort();
        List<CompletableFuture<Job>> joining = new ArrayList<>();
        for (int rank = 0; rank < 2; rank++) {
            // as rank 1 of another host would, which reaches rank 0's host at some address of it
            World world = new World(rank, 2, -1, rank == 0 ? "localhost" : "127.0.0.3", port);
            joining.add(CompletableFuture.supplyAsync(
                    () -> Job.join(world, SECRET, "p 4", Duration.ofMinutes(2)), threads));
        }
        List<Job> jobs = new ArrayList<>();
        for (CompletableFuture<Job> each : joining) {
            jobs.add(each.get());
        }
        assertEquals(0, jobs.get(0).localRank());
        assertEquals(1, jobs.get(1).localRank());
        List<CompletableFuture<Void>> closing = jobs.stream()
                .map(job -> CompletableFuture.runAsync(job::close, threads))
                .toList();
        closing.forEach(CompletableFuture::join);
    }

    /** A server that accepts nothing more is what a network that swallows packets looks like to who connects. */
    @Test
    void anAddressThatSwallowsPacketsEndsTheWaitAtItsDeadline() throws Exception {
        try (ServerSocket full = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                Sockets fill = new Sockets(full.getLocalPort())) {
            assertTrue(fill.full, "the queue takes more");
            World world = new World(1, 2, 1, "127.0.0.1", full.getLocalPort());
            CompletableFuture<Job> joining = CompletableFuture.supplyAsync(
                    () -> Job.join(world, SECRET, "p 4", new Deadlines(Duration.ofSeconds(1), Duration.ofHours(1))),
                    threads);
            ExecutionException e = assertThrows(ExecutionException.class, joining::get);
            CommException cause = (CommException) e.getCause();
            assertEquals(Reason.TIMEOUT, cause.reason(), cause.getMessage());
            assertTrue(cause.getMessage().contains("found no rank 0 at 127.0.0.1:"), cause.getMessage());
            assertTrue(cause.getMessage().contains("within 1000 ms"), cause.getMessage());
        }
    }

    /** Connections that fill a server's queue. */
    private static final class Sockets implements AutoCloseable {
        private final List<Socket> sockets = new ArrayList<>();
        private boolean full;

        Sockets(int port) throws IOException {
            for (int i = 0; i < 4; i++) {
                Socket socket = new Socket();
                sockets.add(socket);
                try {
                    socket.connect(new java.net.InetSocketAddress(InetAddress.getLoopbackAddress(), port), 300);
                } catch (java.net.SocketTimeoutException e) {
                    full = true;
                    return;
                }
            }
        }

        @Override
        public void close() throws IOException {
            for (Socket socket : sockets) {
                socket.close();
            }
        }
    }

    @Test
    void whoWaitsSaysForWhom() throws Exception {
        Logger logger = (Logger) LoggerFactory.getLogger("org.phantom4j.comm.world");
        ListAppender<ILoggingEvent> said = new ListAppender<>();
        said.start();
        logger.addAppender(said);
        try {
            Duration timeout = Duration.ofSeconds(7);
            int port = freePort();
            World zero = new World(0, 3, 0, "127.0.0.1", port);
            World lonely = new World(1, 3, 1, "127.0.0.1", freePort());
            CompletableFuture<Job> first =
                    CompletableFuture.supplyAsync(() -> Job.join(zero, SECRET, "p 4", timeout), threads);
            CompletableFuture<Job> second =
                    CompletableFuture.supplyAsync(() -> Job.join(lonely, SECRET, "p 4", timeout), threads);
            ExecutionException e = assertThrows(ExecutionException.class, first::get);
            assertThrows(ExecutionException.class, second::get);
            assertTrue(
                    e.getCause()
                            .getMessage()
                            .contains("rank 1, 2 did not join within 7000 ms; rank 0 listens at 127.0.0.1"),
                    e.getCause().getMessage());
            List<String> lines =
                    said.list.stream().map(ILoggingEvent::getFormattedMessage).toList();
            assertTrue(
                    lines.stream()
                            .anyMatch(line -> line.startsWith("rank 0 waits for rank 1, 2 to join at 127.0.0.1")
                                    && line.contains("only processes of this host")),
                    lines.toString());
            assertTrue(
                    lines.stream()
                            .anyMatch(line -> line.startsWith("rank 1 waits for rank 0 at 127.0.0.1:")
                                    && line.contains("MASTER_ADDR must be")),
                    lines.toString());
        } finally {
            logger.detachAppender(said);
        }
    }
}
