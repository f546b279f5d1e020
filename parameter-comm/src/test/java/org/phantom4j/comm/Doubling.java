package org.phantom4j.comm;

import java.time.Duration;

/**
 * Tests whose subject is a deadline that passes. On a machine that is too slow for a short one, the ranks do not even come to
 * where it is to pass: a check that fails is done again with twice the time, up to minutes.
 */
public final class Doubling {

    private static final Duration LONGEST = Duration.ofMinutes(2);

    /** A check with a deadline. */
    @FunctionalInterface
    public interface Check {
        void run(Duration deadline) throws Exception;
    }

    private Doubling() {}

    public static void from(Duration shortest, Check check) throws Exception {
        Duration deadline = shortest;
        while (true) {
            try {
                check.run(deadline);
                return;
            } catch (AssertionError e) {
                System.err.println("with a deadline of " + deadline.toMillis() + " ms: " + e.getMessage());
                deadline = deadline.multipliedBy(2);
                if (deadline.compareTo(LONGEST) > 0) {
                    throw e;
                }
            }
        }
    }
}
