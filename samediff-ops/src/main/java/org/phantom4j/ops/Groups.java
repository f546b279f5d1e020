package org.phantom4j.ops;

import java.lang.ref.WeakReference;
import java.security.SecureRandom;
import java.util.Map;
import java.util.WeakHashMap;
import java.util.concurrent.ConcurrentHashMap;
import org.phantom4j.comm.Communicator;

/**
 * Numbers of communicators, as ops carry them through SameDiff's copies. Numbers of another process mean nothing here. Keeps
 * no communicator alive. Thread-safe.
 */
final class Groups {

    private static final Map<Communicator, Long> NUMBERS = new WeakHashMap<>();
    private static final Map<Long, WeakReference<Communicator>> GROUPS = new ConcurrentHashMap<>();

    /** The first is random: a graph that another process saved must not mean a group of this one. */
    private static long next = new SecureRandom().nextLong();

    private Groups() {}

    /** The number of a communicator. */
    static synchronized long number(Communicator group) {
        return NUMBERS.computeIfAbsent(group, each -> {
            GROUPS.put(next, new WeakReference<>(each));
            return next++;
        });
    }

    /**
     * The communicator of a number, null if the number is another process's.
     *
     * @throws IllegalStateException if the communicator is gone
     */
    static Communicator group(long number) {
        WeakReference<Communicator> reference = GROUPS.get(number);
        if (reference == null) {
            return null;
        }
        Communicator group = reference.get();
        if (group == null) {
            throw new IllegalStateException("the group that this op was made for with in(group) is gone: keep the"
                    + " communicator as long as the graph");
        }
        return group;
    }
}
