package org.phantom4j.comm;

import java.util.concurrent.Callable;
import java.util.function.Supplier;

/**
 * Which group of ranks the current thread computes in. Layers and ops take their communicator from here; a thread that
 * nobody put into a group is a group of one.
 */
public final class RankContext {

    private static final ThreadLocal<Communicator> CURRENT = new ThreadLocal<>();

    private RankContext() {}

    /** The current thread's communicator; a group of one if the thread is in none. */
    public static Communicator current() {
        Communicator communicator = CURRENT.get();
        return communicator != null ? communicator : SingleRank.INSTANCE;
    }

    /**
     * Runs {@code body} as if the current thread were in no group.
     *
     * @throws Exception whatever {@code body} throws
     */
    public static <T> T callAlone(Callable<T> body) throws Exception {
        return call(SingleRank.INSTANCE, body);
    }

    /** As {@link #callAlone}, for what throws no checked exception. */
    public static <T> T runAlone(Supplier<T> body) {
        Communicator before = CURRENT.get();
        CURRENT.set(SingleRank.INSTANCE);
        try {
            return body.get();
        } finally {
            restore(before);
        }
    }

    /**
     * Runs {@code body} with {@code communicator} as the current thread's, and restores what was before.
     *
     * @throws Exception whatever {@code body} throws
     */
    public static <T> T call(Communicator communicator, Callable<T> body) throws Exception {
        Communicator before = CURRENT.get();
        CURRENT.set(communicator);
        try {
            return body.call();
        } finally {
            restore(before);
        }
    }

    private static void restore(Communicator before) {
        if (before == null) {
            CURRENT.remove();
        } else {
            CURRENT.set(before);
        }
    }
}
