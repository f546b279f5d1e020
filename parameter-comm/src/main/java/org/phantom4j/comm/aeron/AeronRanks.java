package org.phantom4j.comm.aeron;

import io.aeron.driver.MediaDriver;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;
import org.phantom4j.comm.CommException;
import org.phantom4j.comm.CommException.Reason;
import org.phantom4j.comm.LocalRanks;
import org.phantom4j.comm.RankContext;

/** Runs ranks that are threads of this JVM but talk over Aeron, as processes would: for tests and measurements. */
final class AeronRanks {

    private AeronRanks() {}

    /** As {@link LocalRanks#run}, with a media driver in this process. */
    static <T> List<T> run(int size, AeronOptions options, LocalRanks.Body<T> body) throws Exception {
        return run(size, options, UnaryOperator.identity(), body);
    }

    static <T> List<T> run(
            int size, AeronOptions options, UnaryOperator<MediaDriver.Context> customize, LocalRanks.Body<T> body)
            throws Exception {
        SharedHealth health = new SharedHealth();
        long token = ThreadLocalRandom.current().nextLong();
        try (EmbeddedDriver driver = new EmbeddedDriver(options, customize, health::transportFailed);
                AeronTransport transport =
                        new AeronTransport(options, driver.directory().toString(), health::transportFailed)) {
            String endpoint = options.treatAsRemote() ? transport.listen("127.0.0.1", size * (size - 1)) : "";
            List<AeronRank.Peer> peers = new ArrayList<>();
            for (int i = 0; i < size; i++) {
                peers.add(new AeronRank.Peer("this", endpoint));
            }
            List<Thread> threads = new ArrayList<>();
            List<T> results = new ArrayList<>();
            AtomicReference<Throwable> first = new AtomicReference<>();
            for (int i = 0; i < size; i++) {
                int number = i;
                results.add(null);
                AeronRank rank = new AeronRank(number, peers, token, transport, health);
                Thread thread = new Thread(
                        () -> {
                            try {
                                T result = runRank(rank, body);
                                synchronized (results) {
                                    results.set(number, result);
                                }
                            } catch (Throwable e) {
                                first.compareAndSet(null, e);
                                health.fail(new CommException(
                                        Reason.RANK_FAILED, health.name(number) + " failed: " + e, e));
                            }
                        },
                        "rank-" + number);
                thread.setDaemon(true);
                threads.add(thread);
                thread.start();
            }
            for (Thread thread : threads) {
                thread.join();
            }
            if (first.get() instanceof Exception e) {
                throw e;
            }
            if (first.get() != null) {
                throw new IllegalStateException("a rank failed: " + first.get(), first.get());
            }
            return results;
        }
    }

    private static <T> T runRank(AeronRank rank, LocalRanks.Body<T> body) throws Exception {
        // not closed here: others may still have to be sent again what was lost
        AeronCommunicator communicator = new AeronCommunicator(rank.world());
        return RankContext.call(communicator, () -> body.run(communicator));
    }

    /** Health of ranks that share this JVM. */
    private static final class SharedHealth implements Health {
        private final AtomicReference<CommException> failure = new AtomicReference<>();

        @Override
        public void check() {
            CommException cause = failure.get();
            if (cause != null) {
                throw new CommException(cause.reason(), cause.getMessage(), cause);
            }
        }

        @Override
        public CommException fail(CommException cause) {
            failure.compareAndSet(null, cause);
            return failure.get();
        }

        @Override
        public CommException timedOut(String what, String likely, List<Integer> suspects) {
            return fail(new CommException(Reason.TIMEOUT, "no progress " + what + ": waited for rank " + suspects));
        }

        @Override
        public String name(int rank) {
            return "rank " + rank;
        }

        void transportFailed(Throwable cause) {
            fail(new CommException(Reason.RANK_FAILED, "Aeron failed: " + cause.getMessage(), cause));
        }
    }
}
