package org.phantom4j.examples.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.Options;
import org.nd4j.linalg.api.buffer.DataType;
import org.phantom4j.comm.LocalRanks;
import org.phantom4j.layers.train.GoldenTraining;
import org.phantom4j.ops.golden.GoldenCase;
import org.phantom4j.ops.golden.GoldenLayer;

/** {@code phantom verify}: runs golden cases in double precision on every number of ranks that can. */
final class VerifyCommand implements Command {

    private static final double LAYER_BOUND = 1e-10;
    private static final double TRAINING_BOUND = 1e-8;

    @Override
    public String name() {
        return "verify";
    }

    @Override
    public String summary() {
        return "Compares layers and training runs with golden values.";
    }

    @Override
    public Options options() {
        Options options = new Options();
        Arguments.option(options, "golden", "DIR", "the folder of cases");
        Arguments.option(
                options, "ranks", "LIST", "numbers of ranks, like 1,2,4 (default: all that divide the shards)");
        CommOptions.addTo(options);
        return options;
    }

    @Override
    public int run(CommandLine line) throws Exception {
        Arguments arguments = new Arguments(line);
        Duration timeout = CommOptions.timeout(arguments);
        List<Integer> wanted = arguments.has("ranks") ? arguments.positives("ranks") : null;
        int passed = 0;
        int failed = 0;
        for (GoldenCase golden : cases(Path.of(arguments.required("golden")))) {
            for (int ranks : rankCounts(golden.shards(), wanted)) {
                double error = largestError(golden, ranks, timeout);
                boolean right = error <= (golden.isTraining() ? TRAINING_BOUND : LAYER_BOUND);
                System.out.printf(
                        "%-20s shards %2d  ranks %2d  largest relative error %.2e  %s%n",
                        golden.name(), golden.shards(), ranks, error, right ? "passed" : "FAILED");
                passed += right ? 1 : 0;
                failed += right ? 0 : 1;
            }
        }
        if (passed + failed == 0) {
            throw new UsageException("--ranks " + arguments.text("ranks", "") + ": none divides the shards of a case");
        }
        System.out.printf("%d passed, %d failed%n", passed, failed);
        return failed == 0 ? Main.OK : Main.FAILURE;
    }

    private static List<GoldenCase> cases(Path folder) {
        if (!Files.isDirectory(folder)) {
            throw new UsageException("--golden " + folder + ": expected a folder of golden cases");
        }
        try {
            return GoldenCase.in(folder);
        } catch (IOException | IllegalArgumentException e) {
            throw new UsageException("--golden " + folder + ": " + e.getMessage(), e);
        }
    }

    private static int[] rankCounts(int shards, List<Integer> wanted) {
        return IntStream.rangeClosed(1, shards)
                .filter(ranks -> shards % ranks == 0 && (wanted == null || wanted.contains(ranks)))
                .toArray();
    }

    private static double largestError(GoldenCase golden, int ranks, Duration timeout) throws Exception {
        List<Map<String, Double>> errors = LocalRanks.run(
                ranks,
                timeout,
                group -> golden.isTraining()
                        ? new GoldenTraining(golden).errors()
                        : new GoldenLayer(golden, DataType.DOUBLE).errors());
        return errors.stream()
                .flatMap(rank -> rank.values().stream())
                .mapToDouble(Double::doubleValue)
                .max()
                .orElse(Double.POSITIVE_INFINITY);
    }
}
