package org.phantom4j.comm.world;

import java.util.Map;
import java.util.Optional;

/**
 * Which rank of which job a process is.
 *
 * @param rank 0 to {@code size} − 1
 * @param size ranks of the job
 * @param localRank number of the rank among those of its machine
 * @param masterAddress where rank 0 is
 * @param masterPort the TCP port of the rendezvous there
 */
public record World(int rank, int size, int localRank, String masterAddress, int masterPort) {

    public static final String RANK = "RANK";
    public static final String WORLD_SIZE = "WORLD_SIZE";
    public static final String LOCAL_RANK = "LOCAL_RANK";
    public static final String MASTER_ADDR = "MASTER_ADDR";
    public static final String MASTER_PORT = "MASTER_PORT";

    /** The port of the rendezvous if none is given. */
    public static final int DEFAULT_PORT = 29541;

    /** Names of rank, size and local rank, by launcher; the first launcher whose rank is set counts. */
    private static final String[][] LAUNCHERS = {
        {RANK, WORLD_SIZE, LOCAL_RANK},
        {"SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID"},
        {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"},
        {"PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID"},
    };

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
     * What a launcher has set: RANK, WORLD_SIZE and LOCAL_RANK, else what Slurm, Open MPI or another MPI sets; always
     * MASTER_ADDR (Slurm: else the first node of the list) and MASTER_PORT.
     *
     * @return empty if no launcher has set a rank
     * @throws IllegalArgumentException if what is set is incomplete or no number
     */
    public static Optional<World> fromEnvironment(Map<String, String> environment) {
        for (String[] names : LAUNCHERS) {
            if (environment.containsKey(names[0])) {
                int size = number(environment, names[1], null, names[0]);
                int rank = number(environment, names[0], null, names[0]);
                int port = number(environment, MASTER_PORT, Integer.toString(DEFAULT_PORT), names[0]);
                String local = Integer.toString(rank);
                return Optional.of(new World(
                        rank, size, number(environment, names[2], local, names[0]), master(environment, size), port));
            }
        }
        return Optional.empty();
    }

    private static int number(Map<String, String> environment, String name, String otherwise, String because) {
        String value = environment.getOrDefault(name, otherwise);
        if (value == null) {
            throw new IllegalArgumentException(because + " is set but " + name + " is not: set both, or neither");
        }
        try {
            return Integer.parseInt(value.trim());
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(name + " must be a whole number, not '" + value + "'", e);
        }
    }

    private static String master(Map<String, String> environment, int size) {
        String address = environment.get(MASTER_ADDR);
        if (address != null && !address.isBlank()) {
            return address.trim();
        }
        String nodes = environment.get("SLURM_JOB_NODELIST");
        if (nodes != null) {
            return firstNode(nodes);
        }
        if (size > 1) {
            throw new IllegalArgumentException(
                    "MASTER_ADDR is not set: set it to the address of rank 0's host, 127.0.0.1 on one host");
        }
        return "127.0.0.1";
    }

    /** The first host of Slurm's compact list: gpu[03-07,12],login1 gives gpu03. */
    static String firstNode(String nodes) {
        int bracket = nodes.indexOf('[');
        int comma = nodes.indexOf(',');
        if (bracket < 0 || (comma >= 0 && comma < bracket)) {
            return comma < 0 ? nodes : nodes.substring(0, comma);
        }
        int end = bracket + 1;
        while (end < nodes.length() && Character.isDigit(nodes.charAt(end))) {
            end++;
        }
        return nodes.substring(0, bracket) + nodes.substring(bracket + 1, end);
    }
}
