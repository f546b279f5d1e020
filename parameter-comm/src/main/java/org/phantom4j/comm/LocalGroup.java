package org.phantom4j.comm;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * What the ranks of one group in this JVM share: the rounds under way and the first failure.
 *
 * <p>A group fails once, for good; the groups split from it fail with it. Thread-safe.
 */
final class LocalGroup {

    /** Polls before a waiting rank gives its processor away; about 10 µs. */
    private static final int SPINS = 200;

    private static final long PARK_NS = 20_000;

    final int size;
    final Duration timeout;
    private final String name;
    private final LocalGroup parent;
    private final Map<Long, LocalRound> rounds = new ConcurrentHashMap<>();
    private final Map<String, LocalGroup> children = new ConcurrentHashMap<>();
    private final AtomicReference<CommException> failure = new AtomicReference<>();

    LocalGroup(String name, int size, Duration timeout, LocalGroup parent) {
        this.name = name;
        this.size = size;
        this.timeout = timeout;
        this.parent = parent;
    }

    /** The round with this sequence number; made by whoever comes first. */
    LocalRound round(long sequence) {
        return rounds.computeIfAbsent(sequence, s -> new LocalRound(s, size));
    }

    /** Forgets a round that every rank has finished. */
    void remove(LocalRound round) {
        rounds.remove(round.sequence);
    }

    /** The group that a split makes; the same object for every rank of it. */
    LocalGroup child(long sequence, int color, int childSize) {
        String childName = name + "/" + sequence + "." + color;
        return children.computeIfAbsent(childName, n -> new LocalGroup(n, childSize, timeout, this));
    }

    /** Records the group's failure; the first one stays. Returns the one that stays. */
    CommException fail(CommException cause) {
        failure.compareAndSet(null, cause);
        return failure.get();
    }

    /** Throws the group's failure, as an exception of the calling thread's own, if there is one. */
    void check() {
        for (LocalGroup group = this; group != null; group = group.parent) {
            CommException cause = group.failure.get();
            if (cause != null) {
                throw new CommException(cause.reason(), cause.getMessage(), cause);
            }
        }
    }

    /**
     * Waits for a condition that other ranks make true.
     *
     * @return false if the deadline passed
     * @throws CommException if the group failed meanwhile
     */
    boolean await(BooleanSupplier condition) {
        for (int i = 0; i < SPINS; i++) {
            if (condition.getAsBoolean()) {
                return true;
            }
            Thread.onSpinWait();
        }
        long deadlineNs = System.nanoTime() + timeout.toNanos();
        while (!condition.getAsBoolean()) {
            check();
            if (System.nanoTime() - deadlineNs > 0) {
                return false;
            }
            LockSupport.parkNanos(PARK_NS);
        }
        return true;
    }
}
