package org.phantom4j.comm.aeron;

import java.util.Locale;

/** How data gets from rank to rank. */
public enum Algorithm {
    /** Halving for large arrays of eight ranks or a higher power of two, direct for all others: as was measured. */
    AUTO,
    /** Straight from the rank that has it to the ranks that need it. */
    DIRECT,
    /** From each rank to the next: every rank has one sender and one receiver. */
    RING,
    /** Between pairs of ranks, at twice the distance in each step: for a power of two. */
    HALVING;

    /**
     * The algorithm of this name in any case.
     *
     * @throws IllegalArgumentException if there is none
     */
    public static Algorithm named(String name) {
        for (Algorithm algorithm : values()) {
            if (algorithm.name().equalsIgnoreCase(name)) {
                return algorithm;
            }
        }
        throw new IllegalArgumentException("algorithm '" + name + "' is unknown: use auto, direct, ring or halving");
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
