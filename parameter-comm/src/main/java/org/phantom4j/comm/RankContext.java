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
        return run(SingleRank.INSTANCE, body);
    }

    /** As {@link #call}, for what throws no checked exception. */
    public static <T> T run(Communicator communicator, Supplier<T> body) {
        Communicator before = CURRENT.get();
        CURRENT.set(communicator);
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

    /**
     * Refuses a thread that does not compute in a group of several ranks, for what belongs to one of its ranks.
     *
     * @param what the object that belongs to the rank, for the message
     * @throws IllegalStateException if the current thread is in another group, or in none
     */
    public static void require(Communicator group, String what) {
        Communicator current = current();
        if (group.size() == 1 || current == group) {
            return;
        }
        throw new IllegalStateException(what + " belongs to rank " + group.rank() + " of a group of " + group.size()
                + ", and thread '" + Thread.currentThread().getName() + "' is "
                + (current.size() == 1
                        ? "in no group"
                        : "rank " + current.rank() + " of another group of " + current.size())
                + ": call it on the rank's own thread. Threads of an executor, of ParallelInference or of ParallelWrapper"
                + " are in no group; a whole network, as RankNetwork.gather gives it, may be used on any thread");
    }

    private static void restore(Communicator before) {
        if (before == null) {
            CURRENT.remove();
        } else {
            CURRENT.set(before);
        }
    }
}
