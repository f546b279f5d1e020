package org.phantom4j.comm;

import java.time.Duration;
import java.util.Objects;

/**
 * How long a rank waits for others.
 *
 * @param join until all ranks of the job are there, which start and read their data at different speeds
 * @param collective in each collective, from the last progress
 */
public record Deadlines(Duration join, Duration collective) {

    /** After so long without progress a rank says once for whom it waits. */
    public static final long SAY_AFTER_NS = 5_000_000_000L;

    /** Checks that both are positive. */
    public Deadlines {
        requirePositive("join", join);
        requirePositive("collective", collective);
    }

    private static void requirePositive(String name, Duration value) {
        if (Objects.requireNonNull(value, name).isNegative() || value.isZero()) {
            throw new IllegalArgumentException("the deadline '" + name + "' must be positive, not " + value);
        }
    }

    /** The same deadline for both. */
    public static Deadlines of(Duration timeout) {
        return new Deadlines(timeout, timeout);
    }
}
