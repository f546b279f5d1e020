package org.phantom4j.examples.cli;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.Options;
import org.phantom4j.comm.CommBackend;
import org.phantom4j.comm.world.RankProcesses;
import org.phantom4j.comm.world.World;
import org.phantom4j.examples.bench.Soak;

/** {@code phantom bench soak}: random collectives for a while, each checked against the local back end. */
final class BenchSoakCommand implements Command {

    private static final int DEFAULT_RANKS = 4;
    private static final int DEFAULT_SECONDS = 600;
    private static final int DEFAULT_MAX_ELEMENTS = 200_000;
    private static final int DEFAULT_TIMEOUT_S = 60;

    @Override
    public String name() {
        return "bench soak";
    }

    @Override
    public String summary() {
        return "Runs random collectives for a while, each checked against the local back end.";
    }

    @Override
    public Options options() {
        Options options = new Options();
        Arguments.option(options, "comm", "NAME", "back end (default aeron)");
        Arguments.option(options, "ranks", "N", "ranks (default 4)");
        Arguments.option(options, "seconds", "N", "how long (default 600)");
        Arguments.option(options, "seed", "N", "what is random (default: drawn, and printed)");
        Arguments.option(options, "max-elements", "N", "the largest array (default 200000)");
        Arguments.option(options, "timeout", "SECONDS", "the longest wait of a rank for others (default 60)");
        return options;
    }

    @Override
    public int run(CommandLine line) throws Exception {
        Arguments arguments = new Arguments(line);
        String backend = arguments.text("comm", "aeron");
        int ranks = arguments.positive("ranks", DEFAULT_RANKS);
        long seed = arguments.number("seed", System.nanoTime());
        Soak soak = new Soak(
                backend,
                ranks,
                Duration.ofSeconds(arguments.positive("seconds", DEFAULT_SECONDS)),
                seed,
                arguments.positive("max-elements", DEFAULT_MAX_ELEMENTS),
                Duration.ofSeconds(arguments.positive("timeout", DEFAULT_TIMEOUT_S)));
        boolean isRank = World.fromEnvironment(System.getenv()).isPresent();
        if (!isRank) {
            System.out.println("seed " + seed);
        }
        if (CommBackend.named(backend).ranksAreProcesses() && !isRank) {
            return inProcesses(arguments, backend, ranks, seed);
        }
        long rounds = soak.run(System.out::println);
        System.out.println("all results of " + rounds + " rounds are those of back end local");
        return Main.OK;
    }

    private static int inProcesses(Arguments arguments, String backend, int ranks, long seed) throws Exception {
        List<String> command = new ArrayList<>(List.of("bench", "soak", "--comm", backend));
        command.addAll(List.of("--ranks", Integer.toString(ranks), "--seed", Long.toString(seed)));
        for (String option : List.of("seconds", "max-elements", "timeout")) {
            if (arguments.has(option)) {
                command.addAll(List.of("--" + option, arguments.text(option, null)));
            }
        }
        return RankProcesses.run(
                RankProcesses.javaCommand(Main.class.getName(), command), ranks, Map.of(), System.out, System.err);
    }
}
