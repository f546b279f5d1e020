package org.phantom4j.cli.launch;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.commons.cli.Options;
import org.phantom4j.cli.frame.Arguments;
import org.phantom4j.cli.frame.Command;
import org.phantom4j.cli.frame.UsageException;
import org.phantom4j.comm.CommBackend;
import org.phantom4j.comm.LocalRanks;
import org.phantom4j.comm.world.RankProcesses;
import org.phantom4j.comm.world.World;
import org.phantom4j.layers.train.ComputeThreads;

/**
 * The options that say how ranks run and talk to each other. Where ranks are processes, this one is a rank if a launcher
 * says so, and else starts the ranks.
 *
 * @param world which rank this process is; empty if its ranks are threads, or if it is to start them
 * @param threads of a rank's products
 * @param timeout the longest wait of a rank for others
 */
public record CommOptions(CommBackend backend, Optional<World> world, int threads, Duration timeout) {

    private static final int DEFAULT_TIMEOUT_S = 60;

    public static void addTo(Options options) {
        Arguments.option(
                options,
                "comm",
                "NAME",
                "local (default): ranks are threads of this process; aeron: ranks are processes, on one host or many;"
                        + " nccl (default of several GPUs): a GPU for each rank");
        Arguments.option(
                options,
                "threads",
                "T",
                "threads of a rank's products (default 1: the same results bit for bit on any number of ranks)");
        Arguments.option(options, "timeout", "SECONDS", "the longest wait of a rank for others (default 60)");
    }

    public static CommOptions parse(Arguments arguments) {
        return parse(arguments, "local");
    }

    /**
     * Reads the options.
     *
     * @param otherwise the back end if none is named
     */
    public static CommOptions parse(Arguments arguments, String otherwise) {
        return of(arguments.text("comm", otherwise), arguments);
    }

    /** The same, of a back end whose name is given. */
    public static CommOptions of(String name, Arguments arguments) {
        CommBackend backend = backend(name);
        return new CommOptions(
                backend,
                backend.ranksAreProcesses() ? fromEnvironment() : Optional.empty(),
                arguments.positive("threads", 1),
                Duration.ofSeconds(arguments.positive("timeout", DEFAULT_TIMEOUT_S)));
    }

    public static CommBackend backend(String name) {
        try {
            return CommBackend.named(name);
        } catch (IllegalArgumentException e) {
            throw new UsageException("--comm " + name + ": " + e.getMessage(), e);
        }
    }

    private static Optional<World> fromEnvironment() {
        try {
            return World.fromEnvironment(System.getenv());
        } catch (IllegalArgumentException e) {
            throw new UsageException("the environment says that this process is a rank, but: " + e.getMessage(), e);
        }
    }

    /** The back end's name. */
    public String name() {
        return backend.name();
    }

    /** All ranks of the job: what {@code --ranks} says, else the launcher, else {@code otherwise}. */
    public int ranks(Arguments arguments, int otherwise) {
        int ranks = arguments.positive("ranks", world.map(World::size).orElse(otherwise));
        world.filter(job -> job.size() != ranks).ifPresent(job -> {
            throw new UsageException("--ranks " + ranks + " but the launcher has started " + job.size()
                    + " ranks: leave --ranks out, or give it that number");
        });
        return ranks;
    }

    /** Whether this process has to {@link #launch} the ranks, rather than {@link #run} them. */
    public boolean launches() {
        return backend.ranksAreProcesses() && world.isEmpty();
    }

    /**
     * Starts this command once for each rank and waits for all.
     *
     * @param overrides options that replace those of the command line
     * @return the exit status: that of the rank that failed first, if one did
     */
    public int launch(Command command, Arguments arguments, int ranks, Map<String, String> overrides)
            throws InterruptedException {
        return launch(command, arguments, ranks, overrides, Map.of());
    }

    /**
     * The same, with environment variables for the ranks.
     *
     * @param variables in addition to this process's and those that say which rank it is
     */
    public int launch(
            Command command,
            Arguments arguments,
            int ranks,
            Map<String, String> overrides,
            Map<String, String> variables)
            throws InterruptedException {
        backend.requireRoom(ranks);
        List<String> words = new ArrayList<>(List.of(command.name().split(" ")));
        words.addAll(arguments.words(overrides));
        return RankProcesses.run(
                RankProcesses.javaCommand(Command.MAIN, words), ranks, variables, System.out, System.err);
    }

    /**
     * Runs the ranks of this process.
     *
     * @param geometry the options that decide about results, as on a command line: ranks that differ are refused
     */
    public void run(int ranks, String geometry, LocalRanks.Body<Void> body) throws Exception {
        ComputeThreads.perRank(threads);
        backend.run(ranks, timeout, geometry + " --threads " + threads, body);
    }
}
