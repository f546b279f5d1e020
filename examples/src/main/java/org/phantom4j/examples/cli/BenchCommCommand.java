package org.phantom4j.examples.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.Options;
import org.nd4j.shade.jackson.databind.JsonNode;
import org.nd4j.shade.jackson.databind.ObjectMapper;
import org.phantom4j.comm.CommBackend;
import org.phantom4j.comm.aeron.Algorithm;
import org.phantom4j.comm.world.RankProcesses;
import org.phantom4j.comm.world.World;
import org.phantom4j.examples.bench.BenchRun;

/** {@code phantom bench comm}: latency and bandwidth of the collectives, beside raw Aeron and plain TCP. */
final class BenchCommCommand implements Command {

    private static final int DEFAULT_TIMEOUT_S = 60;
    private static final int DEFAULT_LARGEST_MIB = 256;
    private static final String RESULTS = "results";

    @Override
    public String name() {
        return "bench comm";
    }

    @Override
    public String summary() {
        return "Times the collectives, beside raw Aeron and plain TCP.";
    }

    @Override
    public Options options() {
        Options options = new Options();
        Arguments.option(options, "comm", "NAMES", "back ends to time (default local,aeron)");
        Arguments.option(options, "ranks", "N", "ranks (default 2)");
        Arguments.option(options, "max-mib", "N", "the largest size, in MiB (default 256)");
        Arguments.option(options, "bytes", "SIZES", "only these sizes, in bytes, such as 65536,67108864");
        Arguments.option(options, "only", "NAMES", "only these of: " + String.join(", ", BenchRun.OPERATIONS));
        Arguments.option(
                options, "algorithm", "NAME", "auto, direct, ring or halving: what aeron uses for large arrays");
        Arguments.option(options, "timeout", "SECONDS", "the longest wait of a rank for others (default 60)");
        Arguments.option(options, "json", "FILE", "write the results as JSON");
        return options;
    }

    @Override
    public int run(CommandLine line) throws Exception {
        Arguments arguments = new Arguments(line);
        int ranks = arguments.positive("ranks", 2);
        List<Long> sizes = sizes(arguments);
        Set<String> operations = operations(arguments);
        Duration timeout = Duration.ofSeconds(arguments.positive("timeout", DEFAULT_TIMEOUT_S));
        Path json = arguments.has("json") ? AtomicFile.writable("json", arguments.text("json", null)) : null;
        List<Object> rows = new ArrayList<>();
        for (String name : arguments.text("comm", "local,aeron").split(",", -1)) {
            CommBackend backend = backend(name.trim());
            boolean isRank = World.fromEnvironment(System.getenv()).isPresent();
            if (backend.ranksAreProcesses() && !isRank) {
                rows.addAll(inProcesses(name.trim(), ranks, arguments));
            } else {
                rows.addAll(new BenchRun(name.trim(), ranks, operations, sizes, timeout).run());
            }
        }
        // of the ranks that are processes only rank 0 has results
        if (json != null && !rows.isEmpty()) {
            Map<String, Object> results = new LinkedHashMap<>();
            results.put(RESULTS, rows);
            Report.write(json, results);
        }
        return Main.OK;
    }

    private static List<Long> sizes(Arguments arguments) {
        if (!arguments.has("bytes")) {
            return BenchRun.sizes((long) arguments.positive("max-mib", DEFAULT_LARGEST_MIB) << 20);
        }
        List<Integer> sizes = arguments.positives("bytes");
        if (sizes.stream().anyMatch(bytes -> bytes % Float.BYTES != 0)) {
            throw new UsageException("--bytes " + arguments.text("bytes", "") + ": expected multiples of a float's "
                    + Float.BYTES + " bytes");
        }
        return sizes.stream().map(Integer::longValue).toList();
    }

    private static Set<String> operations(Arguments arguments) {
        Set<String> all = BenchRun.OPERATIONS;
        Set<String> chosen = new LinkedHashSet<>();
        for (String name : arguments.text("only", String.join(",", all)).split(",", -1)) {
            if (!all.contains(name.trim())) {
                throw new UsageException("--only " + name.trim() + ": expected some of " + String.join(", ", all));
            }
            chosen.add(name.trim());
        }
        return chosen;
    }

    private static String algorithm(Arguments arguments) {
        try {
            return Algorithm.named(arguments.text("algorithm", null)).toString();
        } catch (IllegalArgumentException e) {
            throw new UsageException("--algorithm: " + e.getMessage(), e);
        }
    }

    private static CommBackend backend(String name) {
        try {
            return CommBackend.named(name);
        } catch (IllegalArgumentException e) {
            throw new UsageException("--comm: " + e.getMessage(), e);
        }
    }

    /** Runs this command once for each rank, and takes the results of rank 0 from a file. */
    private static List<Object> inProcesses(String name, int ranks, Arguments arguments) throws Exception {
        Path directory = Files.createTempDirectory("phantom-bench");
        Path file = directory.resolve("results.json");
        try {
            List<String> command = new ArrayList<>(List.of("bench", "comm"));
            command.addAll(List.of("--comm", name, "--ranks", Integer.toString(ranks), "--json", file.toString()));
            for (String option : List.of("max-mib", "bytes", "only", "timeout")) {
                if (arguments.has(option)) {
                    command.addAll(List.of("--" + option, arguments.text(option, null)));
                }
            }
            Map<String, String> variables =
                    arguments.has("algorithm") ? Map.of("PHANTOM_AERON_ALGORITHM", algorithm(arguments)) : Map.of();
            int status = RankProcesses.run(
                    RankProcesses.javaCommand(Main.class.getName(), command), ranks, variables, System.out, System.err);
            if (status != 0) {
                throw new IllegalStateException("the ranks failed with status " + status + ": see their output above");
            }
            JsonNode results = new ObjectMapper().readTree(file.toFile()).get(RESULTS);
            List<Object> rows = new ArrayList<>();
            results.forEach(rows::add);
            return rows;
        } finally {
            Files.deleteIfExists(file);
            Files.deleteIfExists(directory);
        }
    }
}
