package org.phantom4j.cli.verify;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.Options;
import org.nd4j.shade.jackson.databind.JsonNode;
import org.nd4j.shade.jackson.databind.ObjectMapper;
import org.phantom4j.cli.frame.Arguments;
import org.phantom4j.cli.frame.Command;
import org.phantom4j.cli.frame.OutputFile;
import org.phantom4j.cli.frame.Report;
import org.phantom4j.cli.frame.UsageException;
import org.phantom4j.cli.gpus.DeviceOptions;
import org.phantom4j.cli.gpus.DeviceOptions.Engine;
import org.phantom4j.cli.gpus.Precision;
import org.phantom4j.cli.launch.CommOptions;
import org.phantom4j.cli.launch.HandedFile;
import org.phantom4j.cli.launch.RankResults;
import org.phantom4j.cli.verify.VerifyCase.Row;
import org.phantom4j.comm.Communicator;
import org.phantom4j.comm.Mesh;
import org.phantom4j.comm.RankContext;
import org.phantom4j.comm.cuda.CudaDevice;
import org.phantom4j.ops.golden.GoldenCase;

/**
 * {@code phantom verify}: runs golden cases in double precision on every number of ranks that can. Training cases run on more
 * ranks than they have shards, too: as data-parallel replicas, which must train as one process does. A random network of 8
 * shards, compared with itself in one process, is for numbers of ranks that no golden case has. On GPUs the compiled step runs
 * them, in any of its precisions; see {@link CompiledCases}.
 */
public final class VerifyCommand implements Command {

    private static final String RESULTS = "cases";

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
        DeviceOptions.addTo(options);
        Arguments.option(options, "precision", "NAME", "on cuda: fp64 (default), fp32, tf32 or bf16");
        CommOptions.addTo(options);
        Arguments.option(options, "json", "FILE", "write the results as JSON");
        return options;
    }

    @Override
    public int run(CommandLine line) throws Exception {
        Arguments arguments = new Arguments(line);
        DeviceOptions device = DeviceOptions.parse(arguments);
        Precision precision = arguments.choice("precision", Precision.class, Precision.FP64);
        if (precision != Precision.FP64 && (!device.cuda() || device.engine() == Engine.LAYERS)) {
            throw new UsageException("--precision " + Arguments.lower(precision)
                    + " is for compiled steps on --device cuda: layers are verified in fp64");
        }
        CommOptions comm = CommOptions.parse(arguments, device.defaultComm(CommOptions.launched(1)));
        List<VerifyCase> cases = cases(Path.of(arguments.required("golden")), device, precision, comm.timeout());
        List<Row> rows = new ArrayList<>();
        for (int ranks : rankCounts(arguments, device, comm, cases)) {
            rows.addAll(verify(arguments, device, precision, cases, ranks));
        }
        if (comm.world().isEmpty() || comm.world().get().rank() == 0) {
            report(rows, arguments, device, precision);
        }
        return rows.stream().allMatch(Row::passed) ? Command.OK : Command.FAILURE;
    }

    private List<Row> verify(
            Arguments arguments, DeviceOptions device, Precision precision, List<VerifyCase> cases, int ranks)
            throws Exception {
        CommOptions comm = CommOptions.parse(arguments, device.defaultComm(ranks));
        device.check(comm.name(), ranks, 1, precision);
        if (device.engine() == Engine.LAYERS) {
            DeviceOptions.requireLayers("--engine layers", precision);
        }
        if (comm.launches()) {
            json(arguments);
            return inProcesses(arguments, comm, ranks);
        }
        List<Row> rows = new ArrayList<>();
        comm.run(ranks, name() + " --precision " + Arguments.lower(precision), group -> {
            if (group.rank() == 0) {
                json(arguments);
            }
            verify(group, cases, group.rank() == 0 || comm.world().isPresent() ? rows : new ArrayList<>());
            return null;
        });
        return rows;
    }

    private static Path json(Arguments arguments) {
        return OutputFile.writable("json", arguments.text("json", null));
    }

    /** Runs every case that so many ranks can; all ranks learn the largest error of all. */
    private static void verify(Communicator group, List<VerifyCase> cases, List<Row> rows) throws Exception {
        for (VerifyCase each : cases) {
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
                Row row = new Row(each.name(), each.shards(), group.size(), replicas, error, each.bound());
                rows.add(row);
                if (group.rank() == 0) {
                    System.out.println(row);
                }
            }
        }
    }

    /** Starts the ranks, and takes their results from a file. */
    private List<Row> inProcesses(Arguments arguments, CommOptions comm, int ranks) throws Exception {
        try (HandedFile handed = HandedFile.named("results.json")) {
            Path file = handed.path();
            int status = comm.launch(
                    this,
                    arguments,
                    ranks,
                    Map.of("comm", comm.name(), "ranks", Integer.toString(ranks), "json", file.toString()));
            if (!Files.exists(file)) {
                throw new IllegalStateException(ranks + " ranks failed with status " + status + ": see above");
            }
            List<Row> rows = new ArrayList<>();
            for (JsonNode row : new ObjectMapper().readTree(file.toFile()).get(RESULTS)) {
                rows.add(Row.of(row));
            }
            return rows;
        }
    }

    private static void report(List<Row> rows, Arguments arguments, DeviceOptions device, Precision precision)
            throws IOException {
        long failed = rows.stream().filter(row -> !row.passed()).count();
        System.out.printf("%d passed, %d failed%n", rows.size() - failed, failed);
        Path json = json(arguments);
        if (json != null) {
            Map<String, Object> results = new LinkedHashMap<>();
            results.put("comm", arguments.text("comm", device.cuda() ? "nccl" : "local"));
            results.put("device", device.cuda() ? "cuda" : "cpu");
            results.put("precision", Arguments.lower(precision));
            results.put(RESULTS, rows.stream().map(Row::json).toList());
            Report.write(json, results);
        }
    }

    private static List<VerifyCase> cases(Path folder, DeviceOptions device, Precision precision, Duration timeout) {
        if (!Files.isDirectory(folder)) {
            throw new UsageException("--golden " + folder + ": expected a folder of golden cases");
        }
        try {
            List<GoldenCase> golden = GoldenCase.in(folder);
            return device.cuda() && device.engine() != Engine.LAYERS
                    ? CompiledCases.of(golden, device, precision, timeout)
                    : VerifyCase.ofLayers(golden);
        } catch (IOException | IllegalArgumentException e) {
            throw new UsageException("--golden " + folder + ": " + e.getMessage(), e);
        }
    }

    private static List<Integer> rankCounts(
            Arguments arguments, DeviceOptions device, CommOptions comm, List<VerifyCase> cases) {
        if (comm.world().isPresent()) {
            return List.of(comm.ranks(arguments, 1));
        }
        if (!arguments.has("ranks")) {
            int most = device.cuda() ? Math.max(1, CudaDevice.count()) : Integer.MAX_VALUE;
            return cases.stream()
                    .flatMapToInt(each -> IntStream.rangeClosed(1, Math.min(each.shards(), most))
                            .filter(ranks -> each.shards() % ranks == 0))
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
