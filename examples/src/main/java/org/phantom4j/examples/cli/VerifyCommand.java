package org.phantom4j.examples.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.Options;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.shade.jackson.databind.JsonNode;
import org.nd4j.shade.jackson.databind.ObjectMapper;
import org.phantom4j.comm.Communicator;
import org.phantom4j.comm.Mesh;
import org.phantom4j.comm.RankContext;
import org.phantom4j.layers.train.GoldenTraining;
import org.phantom4j.layers.train.RandomTraining;
import org.phantom4j.ops.golden.GoldenCase;
import org.phantom4j.ops.golden.GoldenLayer;

/**
 * {@code phantom verify}: runs golden cases in double precision on every number of ranks that can. Training cases run on more
 * ranks than they have shards, too: as data-parallel replicas, which must train as one process does. A random network of 8
 * shards, compared with itself in one process, is for numbers of ranks that no golden case has.
 */
final class VerifyCommand implements Command {

    private static final double LAYER_BOUND = 1e-10;
    private static final double TRAINING_BOUND = 1e-8;

    private static final String RESULTS = "cases";

    /** What came out of a case. */
    record Row(String name, int shards, int ranks, int replicas, double error, boolean passed) {
        @Override
        public String toString() {
            return String.format(
                    "%-20s shards %2d  ranks %2d  replicas %2d  largest relative error %.2e  %s",
                    name, shards, ranks, replicas, error, passed ? "passed" : "FAILED");
        }

        Map<String, Object> json() {
            Map<String, Object> values = new LinkedHashMap<>();
            values.put("name", name);
            values.put("shards", shards);
            values.put("ranks", ranks);
            values.put("replicas", replicas);
            values.put("error", error);
            values.put("passed", passed);
            return values;
        }

        static Row of(JsonNode json) {
            return new Row(
                    json.get("name").asText(),
                    json.get("shards").asInt(),
                    json.get("ranks").asInt(),
                    json.get("replicas").asInt(),
                    json.get("error").asDouble(),
                    json.get("passed").asBoolean());
        }
    }

    /** Something that computes errors on the current group of ranks. */
    private interface Errors {
        Map<String, Double> of(Communicator replicas) throws Exception;
    }

    /**
     * What is verified.
     *
     * @param samples of a batch, or 1 for what has no replicas
     */
    private record Case(String name, int shards, int samples, double bound, Errors errors) {

        static Case of(GoldenCase golden) {
            return golden.isTraining()
                    ? new Case(
                            golden.name(),
                            golden.shards(),
                            Integer.parseInt(golden.text("batch")),
                            TRAINING_BOUND,
                            replicas -> new GoldenTraining(golden).errors(replicas))
                    : new Case(golden.name(), golden.shards(), 1, LAYER_BOUND, replicas -> new GoldenLayer(
                                    golden, DataType.DOUBLE)
                            .errors());
        }

        static Case random() {
            return new Case(
                    "random-training",
                    RandomTraining.SHARDS,
                    RandomTraining.BATCH,
                    TRAINING_BOUND,
                    replicas -> RandomTraining.errors(replicas));
        }

        /** The fewest replicas with which it runs on so many ranks; 0 if it does not. */
        int replicas(int ranks) {
            return IntStream.rangeClosed(1, Math.min(samples, ranks))
                    .filter(replicas -> ranks % replicas == 0 && shards % (ranks / replicas) == 0)
                    .findFirst()
                    .orElse(0);
        }
    }

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
                options,
                "ranks",
                "LIST",
                "numbers of ranks, like 1,2,4 (default: all that divide the shards of a case)");
        CommOptions.addTo(options);
        Arguments.option(options, "json", "FILE", "write the results as JSON");
        return options;
    }

    @Override
    public int run(CommandLine line) throws Exception {
        Arguments arguments = new Arguments(line);
        CommOptions comm = CommOptions.parse(arguments);
        List<Case> cases = cases(Path.of(arguments.required("golden")));
        List<Row> rows = new ArrayList<>();
        for (int ranks : rankCounts(arguments, comm, cases)) {
            if (comm.launches()) {
                json(arguments);
                rows.addAll(inProcesses(arguments, ranks));
            } else {
                comm.run(ranks, name(), group -> {
                    if (group.rank() == 0) {
                        json(arguments);
                    }
                    verify(group, cases, group.rank() == 0 || comm.world().isPresent() ? rows : new ArrayList<>());
                    return null;
                });
            }
        }
        if (comm.world().isEmpty() || comm.world().get().rank() == 0) {
            report(rows, comm, json(arguments));
        }
        return rows.stream().allMatch(Row::passed) ? Main.OK : Main.FAILURE;
    }

    private static Path json(Arguments arguments) {
        return AtomicFile.writable("json", arguments.text("json", null));
    }

    /** Runs every case that so many ranks can; all ranks learn the largest error of all. */
    private static void verify(Communicator group, List<Case> cases, List<Row> rows) throws Exception {
        for (Case each : cases) {
            int replicas = each.replicas(group.size());
            if (replicas > 0) {
                double own;
                try (Mesh mesh = Mesh.of(group, replicas)) {
                    own = RankContext.call(mesh.model(), () -> each.errors().of(mesh.data())).values().stream()
                            .mapToDouble(Double::doubleValue)
                            .max()
                            .orElse(Double.POSITIVE_INFINITY);
                }
                double error = RankResults.max(group, own);
                Row row = new Row(each.name(), each.shards(), group.size(), replicas, error, error <= each.bound());
                rows.add(row);
                if (group.rank() == 0) {
                    System.out.println(row);
                }
            }
        }
    }

    /** Starts the ranks, and takes their results from a file. */
    private List<Row> inProcesses(Arguments arguments, int ranks) throws Exception {
        Path directory = Files.createTempDirectory("phantom-verify");
        Path file = directory.resolve("results.json");
        try {
            int status = CommOptions.launch(
                    this, arguments, ranks, Map.of("ranks", Integer.toString(ranks), "json", file.toString()));
            if (!Files.exists(file)) {
                throw new IllegalStateException(ranks + " ranks failed with status " + status + ": see above");
            }
            List<Row> rows = new ArrayList<>();
            for (JsonNode row : new ObjectMapper().readTree(file.toFile()).get(RESULTS)) {
                rows.add(Row.of(row));
            }
            return rows;
        } finally {
            Files.deleteIfExists(file);
            Files.deleteIfExists(directory);
        }
    }

    private static void report(List<Row> rows, CommOptions comm, Path json) throws IOException {
        long failed = rows.stream().filter(row -> !row.passed()).count();
        System.out.printf("%d passed, %d failed%n", rows.size() - failed, failed);
        if (json != null) {
            Map<String, Object> results = new LinkedHashMap<>();
            results.put("comm", comm.name());
            results.put(RESULTS, rows.stream().map(Row::json).toList());
            Report.write(json, results);
        }
    }

    private static List<Case> cases(Path folder) {
        if (!Files.isDirectory(folder)) {
            throw new UsageException("--golden " + folder + ": expected a folder of golden cases");
        }
        try {
            List<Case> cases = new ArrayList<>();
            GoldenCase.in(folder).forEach(golden -> cases.add(Case.of(golden)));
            cases.add(Case.random());
            return cases;
        } catch (IOException | IllegalArgumentException e) {
            throw new UsageException("--golden " + folder + ": " + e.getMessage(), e);
        }
    }

    private static List<Integer> rankCounts(Arguments arguments, CommOptions comm, List<Case> cases) {
        if (comm.world().isPresent()) {
            return List.of(comm.ranks(arguments, 1));
        }
        if (!arguments.has("ranks")) {
            return cases.stream()
                    .flatMapToInt(
                            each -> IntStream.rangeClosed(1, each.shards()).filter(ranks -> each.shards() % ranks == 0))
                    .distinct()
                    .sorted()
                    .boxed()
                    .toList();
        }
        List<Integer> wanted = arguments.positives("ranks");
        for (int ranks : wanted) {
            if (cases.stream().allMatch(each -> each.replicas(ranks) == 0)) {
                throw new UsageException("--ranks " + arguments.text("ranks", "") + ": no case can use " + ranks
                        + " ranks: use a divisor of its shards, or that times at most the samples of a batch");
            }
        }
        return wanted;
    }
}
