package org.phantom4j.comm;

import java.time.Duration;
import java.util.List;
import java.util.ServiceLoader;
import java.util.TreeMap;

/**
 * A way to run ranks, chosen by name. Found through {@link ServiceLoader}: an implementation is public, has a public
 * constructor without arguments and is listed in META-INF/services/org.phantom4j.comm.CommBackend.
 */
public interface CommBackend {

    /** What users call it: "local". */
    String name();

    /**
     * Whether each rank is a process of its own, started by a launcher such as
     * {@link org.phantom4j.comm.world.RankProcesses}, rather than a thread of this one.
     */
    boolean ranksAreProcesses();

    /**
     * Refuses more ranks than this machine can run: for whoever is about to start a process for each.
     *
     * @throws IllegalArgumentException that names the limit
     */
    default void requireRoom(int ranks) {
        // processors can be shared
    }

    /**
     * Runs {@code body} on the ranks of a job that belong to this process.
     *
     * @param ranks all ranks of the job
     * @param deadlines of a rank's waits for others
     * @param geometry what ranks must agree on, such as the model's shape, in words: ranks that differ are refused
     * @return what the ranks of this process returned, in rank order
     * @throws Exception the first exception that a rank of this process threw
     */
    <T> List<T> run(int ranks, Deadlines deadlines, String geometry, LocalRanks.Body<T> body) throws Exception;

    /** The same with one deadline for every wait of a rank for others. */
    default <T> List<T> run(int ranks, Duration timeout, String geometry, LocalRanks.Body<T> body) throws Exception {
        return run(ranks, Deadlines.of(timeout), geometry, body);
    }

    /**
     * The back end of this name.
     *
     * @throws IllegalArgumentException if there is none on the class path
     */
    static CommBackend named(String name) {
        TreeMap<String, CommBackend> all = new TreeMap<>();
        ServiceLoader.load(CommBackend.class).forEach(backend -> all.put(backend.name(), backend));
        CommBackend backend = all.get(name);
        if (backend == null) {
            throw new IllegalArgumentException(
                    "there is no back end '" + name + "' for communication: use " + String.join(" or ", all.keySet()));
        }
        return backend;
    }
}
