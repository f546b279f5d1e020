package org.phantom4j.comm.aeron;

import java.util.Locale;
import org.agrona.concurrent.BusySpinIdleStrategy;
import org.agrona.concurrent.IdleStrategy;
import org.agrona.concurrent.YieldingIdleStrategy;

/** What a rank does while it waits for others. */
public enum Idle {
    /** Never gives its processor away: lowest latency, for ranks that have one each. */
    SPIN,
    /** Gives way to any other thread that can run. */
    YIELD,
    /** Spins for microseconds, then yields, then sleeps up to 100 µs at a time: kind to a busy machine; the default. */
    BACKOFF;

    /**
     * The strategy of this name in any case.
     *
     * @throws IllegalArgumentException if there is none
     */
    public static Idle named(String name) {
        for (Idle idle : values()) {
            if (idle.name().equalsIgnoreCase(name)) {
                return idle;
            }
        }
        throw new IllegalArgumentException("idle strategy '" + name + "' is unknown: use spin, yield or backoff");
    }

    /** A strategy of its own for one thread. */
    IdleStrategy newStrategy() {
        return switch (this) {
            case SPIN -> BusySpinIdleStrategy.INSTANCE;
            case YIELD -> YieldingIdleStrategy.INSTANCE;
            case BACKOFF -> new BackoffIdle();
        };
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
