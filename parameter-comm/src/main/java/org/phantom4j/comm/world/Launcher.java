package org.phantom4j.comm.world;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * A launcher of ranks: the environment variables by which a process that it started learns its place. Of several names for one
 * thing the first that is set counts.
 *
 * @param name as users know it
 * @param started whether it started the process whose environment that is; else its variables are inherited, and say nothing
 * @param rank of the process
 * @param size ranks of the job
 * @param localRank number of the rank among those of its machine
 * @param localSize ranks of its machine
 * @param hosts machines of the job
 */
record Launcher(
        String name,
        Predicate<Map<String, String>> started,
        List<String> rank,
        List<String> size,
        List<String> localRank,
        List<String> localSize,
        List<String> hosts) {

    /** Set by {@link RankProcesses}: the process that started the ranks. */
    static final String PHANTOM = "PHANTOM_LAUNCHER";

    /** Set by torchrun, whose agent listens at MASTER_PORT itself. */
    static final String TORCHRUN = "TORCHELASTIC_RUN_ID";

    /** RANK and WORLD_SIZE that nothing else accounts for. */
    static final Launcher BY_HAND = explicit("RANK and WORLD_SIZE", environment -> true);

    /** Where ranks of no step run: a batch script, an interactive shell. Slurm numbers such steps from here. */
    private static final long FIRST_SPECIAL_STEP = 0xfffffff0L;

    private static final List<String> SLURM_STEP = List.of("SLURM_STEP_ID", "SLURM_STEPID");

    /**
     * All that are known, the innermost first: what is further down may have started what is further up, and its variables are
     * then inherited.
     */
    static final List<Launcher> ALL = List.of(
            explicit(Launch.OURS, environment -> environment.containsKey(PHANTOM)),
            explicit("torchrun", environment -> environment.containsKey(TORCHRUN)),
            BY_HAND,
            of("Open MPI", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE")
                    .onHost("OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE"),
            of("MVAPICH2", "MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE")
                    .onHost("MV2_COMM_WORLD_LOCAL_RANK", "MV2_COMM_WORLD_LOCAL_SIZE"),
            of("MVAPICH", "MVP_COMM_WORLD_RANK", "MVP_COMM_WORLD_SIZE")
                    .onHost("MVP_COMM_WORLD_LOCAL_RANK", "MVP_COMM_WORLD_LOCAL_SIZE"),
            new Launcher(
                    "PALS",
                    environment -> true,
                    List.of("PALS_RANKID"),
                    List.of("PMI_SIZE", World.WORLD_SIZE),
                    List.of("PALS_LOCAL_RANKID", "PMI_LOCAL_RANK"),
                    List.of("PALS_LOCAL_SIZE", "PMI_LOCAL_SIZE"),
                    List.of()),
            of("jsrun", "JSM_NAMESPACE_RANK", "JSM_NAMESPACE_SIZE")
                    .onHost("JSM_NAMESPACE_LOCAL_RANK", "JSM_NAMESPACE_LOCAL_SIZE"),
            new Launcher(
                    "MPICH, Intel MPI or another with PMI",
                    environment -> true,
                    List.of("PMI_RANK"),
                    List.of("PMI_SIZE"),
                    List.of("MPI_LOCALRANKID", "PMI_LOCAL_RANK"),
                    List.of("MPI_LOCALNRANKS", "PMI_LOCAL_SIZE"),
                    List.of()),
            new Launcher(
                    "Flux",
                    environment -> true,
                    List.of("FLUX_TASK_RANK"),
                    List.of("FLUX_JOB_SIZE"),
                    List.of("FLUX_TASK_LOCAL_ID"),
                    List.of(),
                    List.of("FLUX_JOB_NNODES")),
            new Launcher(
                    "Slurm",
                    Launcher::isSlurmTask,
                    List.of("SLURM_PROCID"),
                    List.of("SLURM_STEP_NUM_TASKS", "SLURM_NTASKS", "SLURM_NPROCS"),
                    List.of("SLURM_LOCALID"),
                    List.of(),
                    List.of("SLURM_STEP_NUM_NODES", "SLURM_NNODES", "SLURM_JOB_NUM_NODES")),
            new Launcher(
                    "an indexed Job of Kubernetes",
                    environment -> environment.containsKey(World.WORLD_SIZE),
                    List.of("JOB_COMPLETION_INDEX"),
                    List.of(World.WORLD_SIZE),
                    List.of(World.LOCAL_RANK),
                    List.of(World.LOCAL_SIZE),
                    List.of()),
            new Launcher(
                    "PMIx",
                    environment -> true,
                    List.of("PMIX_RANK"),
                    List.of("PMIX_SIZE", World.WORLD_SIZE),
                    List.of("PMIX_LOCAL_RANK", World.LOCAL_RANK),
                    List.of(World.LOCAL_SIZE),
                    List.of()));

    private static Launcher explicit(String name, Predicate<Map<String, String>> started) {
        return new Launcher(
                name,
                started,
                List.of(World.RANK),
                List.of(World.WORLD_SIZE),
                List.of(World.LOCAL_RANK),
                List.of(World.LOCAL_SIZE),
                List.of());
    }

    private static Launcher of(String name, String rank, String size) {
        return new Launcher(name, environment -> true, List.of(rank), List.of(size), List.of(), List.of(), List.of());
    }

    private Launcher onHost(String rank, String size) {
        return new Launcher(name, started, this.rank, this.size, List.of(rank), List.of(size), hosts);
    }

    /**
     * Slurm sets SLURM_PROCID=0 in a batch script and an interactive shell, too, and there gives it no step, or one of those
     * that have no tasks.
     */
    private static boolean isSlurmTask(Map<String, String> environment) {
        Optional<String> step = firstSet(environment, SLURM_STEP).map(environment::get);
        if (step.isEmpty()) {
            // what forwards only some variables to tasks leaves these two
            return !environment.containsKey("SLURM_JOB_ID") || !"0".equals(environment.get("SLURM_PROCID"));
        }
        try {
            return Long.parseLong(step.get().trim()) < FIRST_SPECIAL_STEP;
        } catch (NumberFormatException e) {
            return false;
        }
    }

    /** The first of some variables that is set to something. */
    static Optional<String> firstSet(Map<String, String> environment, List<String> names) {
        return names.stream()
                .filter(name -> !environment.getOrDefault(name, "").isBlank())
                .findFirst();
    }

    /**
     * What a launcher has said.
     *
     * @param rankName variable that holds the rank
     * @param sizeName variable that holds the number of ranks
     * @param localRank -1 if the launcher does not say it
     * @param oneHost whether all ranks are known to be on this process's machine
     */
    record Place(
            Launcher launcher, String rankName, int rank, String sizeName, int size, int localRank, boolean oneHost) {}

    /**
     * The process's place; empty if this launcher did not start it.
     *
     * @throws IllegalArgumentException if what is set is incomplete or no number
     */
    Optional<Place> place(Map<String, String> environment) {
        Optional<String> rankName = firstSet(environment, rank);
        if (rankName.isEmpty() || !started.test(environment)) {
            return Optional.empty();
        }
        String sizeName = firstSet(environment, size)
                .orElseThrow(() -> new IllegalArgumentException(
                        rankName.get() + " is set but " + String.join(", ", size) + " is not: set both, or neither"));
        int ranks = number(environment, sizeName);
        boolean one = ranks
                        == firstSet(environment, localSize)
                                .map(name -> number(environment, name))
                                .orElse(-1)
                || 1
                        == firstSet(environment, hosts)
                                .map(name -> number(environment, name))
                                .orElse(-1)
                || environment.containsKey(PHANTOM);
        return Optional.of(new Place(
                this,
                rankName.get(),
                number(environment, rankName.get()),
                sizeName,
                ranks,
                firstSet(environment, localRank)
                        .map(name -> number(environment, name))
                        .orElse(-1),
                one));
    }

    static int number(Map<String, String> environment, String name) {
        String value = environment.get(name);
        try {
            return Integer.parseInt(value.trim());
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(name + " must be a whole number, not '" + value + "'", e);
        }
    }
}
