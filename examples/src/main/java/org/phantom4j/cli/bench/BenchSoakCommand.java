package org.phantom4j.cli.bench;

import java.time.Duration;
import java.util.Map;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.Options;
import org.phantom4j.cli.frame.Arguments;
import org.phantom4j.cli.frame.Command;
import org.phantom4j.cli.launch.CommOptions;

/** {@code phantom bench soak}: random collectives for a while, each checked against the local back end. */
public final class BenchSoakCommand implements Command {

    private static final int DEFAULT_RANKS = 4;
    private static final int DEFAULT_SECONDS = 600;
    private static final int DEFAULT_MAX_ELEMENTS = 200_000;

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
        CommOptions comm = CommOptions.parse(arguments, "aeron");
        int ranks = comm.ranks(arguments, DEFAULT_RANKS);
        long seed = arguments.number("seed", System.nanoTime());
        Soak soak = new Soak(
                comm.name(),
                ranks,
                Duration.ofSeconds(arguments.positive("seconds", DEFAULT_SECONDS)),
                seed,
                arguments.positive("max-elements", DEFAULT_MAX_ELEMENTS),
                comm.timeout());
        if (comm.world().isEmpty()) {
            System.out.println("seed " + seed);
        }
        if (comm.launches()) {
            return comm.launch(this, arguments, ranks, Map.of("seed", Long.toString(seed)));
        }
        long rounds = soak.run(System.out::println);
        System.out.println("all results of " + rounds + " rounds are those of back end local");
        return Command.OK;
    }
}
