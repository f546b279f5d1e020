package org.phantom4j.comm.world;

import java.util.Map;
import java.util.Optional;

/**
 * Which rank of which job a process is.
 *
 * @param rank 0 to {@code size} − 1
 * @param size ranks of the job
 * @param localRank number of the rank among those of its machine; -1 if the launcher does not say it
 * @param masterAddress where rank 0 is
 * @param masterPort the TCP port of the rendezvous there
 * @param oneHost whether all ranks are known to be on one machine
 */
public record World(int rank, int size, int localRank, String masterAddress, int masterPort, boolean oneHost) {

    public static final String RANK = "RANK";
    public static final String WORLD_SIZE = "WORLD_SIZE";
    public static final String LOCAL_RANK = "LOCAL_RANK";

    /** Ranks of a machine. */
    static final String LOCAL_SIZE = "LOCAL_WORLD_SIZE";

    public static final String MASTER_ADDR = "MASTER_ADDR";
    public static final String MASTER_PORT = "MASTER_PORT";

    /** The port of the rendezvous if none is given. */
    public static final int DEFAULT_PORT = 29541;

    public World {
        if (size < 1 || rank < 0 || rank >= size) {
            throw new IllegalArgumentException(
                    "rank " + rank + " of a job of " + size + " ranks: ranks count from 0 to one less than the size");
        }
        if (masterPort < 1 || masterPort > 65535) {
            throw new IllegalArgumentException("MASTER_PORT must be 1 to 65535, not " + masterPort);
        }
    }

    /**
     * A world of which it is not known whether all its ranks are on one machine.
     *
     * @param localRank -1 if it is not known
     */
    public World(int rank, int size, int localRank, String masterAddress, int masterPort) {
        this(rank, size, localRank, masterAddress, masterPort, false);
    }

    /**
     * What a launcher has set; see {@link Launch}.
     *
     * @return empty if no launcher has started ranks
     * @throws IllegalArgumentException if what is set is incomplete or no number
     */
    public static Optional<World> fromEnvironment(Map<String, String> environment) {
        return Launch.of(environment).world();
    }
}
