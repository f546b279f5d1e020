package org.phantom4j.comm.nccl;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import org.phantom4j.comm.CommException;
import org.phantom4j.comm.CommException.Reason;

/** Ranks that are threads of this process. */
final class ThreadControl implements ControlGroup {

    /** How often a waiting rank looks whether the group has failed. */
    private static final long WAIT_MS = 20;

    /** What the ranks share. */
    private static final class Shared {
        private final Duration timeout;
        private final AtomicReference<CommException> failure = new AtomicReference<>();
        private final Map<String, ByteBuffer> memory = new ConcurrentHashMap<>();
        private final byte[][] offers;
        private int offered;
        private List<byte[]> exchanged;

        Shared(int size, Duration timeout) {
            this.timeout = timeout;
            this.offers = new byte[size][];
        }
    }

    private final Shared shared;
    private final int rank;

    private ThreadControl(Shared shared, int rank) {
        this.shared = shared;
        this.rank = rank;
    }

    /** One for each rank. */
    static List<ThreadControl> group(int size, Duration timeout) {
        Shared shared = new Shared(size, timeout);
        ThreadControl[] ranks = new ThreadControl[size];
        Arrays.setAll(ranks, rank -> new ThreadControl(shared, rank));
        return List.of(ranks);
    }

    @Override
    public int rank() {
        return rank;
    }

    @Override
    public int size() {
        return shared.offers.length;
    }

    @Override
    public Duration timeout() {
        return shared.timeout;
    }

    @Override
    public void check() {
        CommException cause = shared.failure.get();
        if (cause != null) {
            throw new CommException(cause.reason(), cause.getMessage(), cause);
        }
    }

    @Override
    public CommException fail(CommException cause) {
        shared.failure.compareAndSet(null, cause);
        return shared.failure.get();
    }

    @Override
    public String name(int other) {
        return "rank " + other;
    }

    @Override
    public List<byte[]> exchange(byte[] own) {
        check();
        synchronized (shared) {
            shared.offers[rank] = own;
            List<byte[]> before = shared.exchanged;
            if (++shared.offered == size()) {
                shared.exchanged = List.of(shared.offers.clone());
                shared.offered = 0;
                Arrays.fill(shared.offers, null);
                shared.notifyAll();
                return shared.exchanged;
            }
            awaitExchange(before);
            return shared.exchanged;
        }
    }

    private void awaitExchange(List<byte[]> before) {
        long beganNs = System.nanoTime();
        while (shared.exchanged == before) {
            check();
            if (System.nanoTime() - beganNs > shared.timeout.toNanos()) {
                StringBuilder missing = new StringBuilder();
                for (int other = 0; other < size(); other++) {
                    if (shared.offers[other] == null) {
                        missing.append(missing.isEmpty() ? "" : ", ").append(other);
                    }
                }
                throw fail(new CommException(
                        Reason.TIMEOUT,
                        "rank " + rank + " waited " + shared.timeout.toMillis() + " ms for rank " + missing
                                + " to join the group: is it stuck?"));
            }
            try {
                shared.wait(WAIT_MS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw fail(new CommException(Reason.CLOSED, "rank " + rank + " was interrupted", e));
            }
        }
    }

    @Override
    public String machine(int other) {
        return "this";
    }

    @Override
    public ByteBuffer sharedMemory(String name, int bytes) {
        return shared.memory
                .computeIfAbsent(name, n -> ByteBuffer.allocateDirect(bytes))
                .duplicate()
                .order(ByteOrder.nativeOrder());
    }

    @Override
    public void forgetSharedMemory(String name) {
        shared.memory.remove(name);
    }
}
