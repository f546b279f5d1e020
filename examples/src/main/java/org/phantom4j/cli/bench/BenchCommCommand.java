package org.phantom4j.cli.bench;

import java.nio.file.Path;
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
import org.phantom4j.cli.frame.Arguments;
import org.phantom4j.cli.frame.Command;
import org.phantom4j.cli.frame.OutputFile;
import org.phantom4j.cli.frame.Report;
import org.phantom4j.cli.frame.UsageException;
import org.phantom4j.cli.launch.CommOptions;
import org.phantom4j.cli.launch.HandedFile;
import org.phantom4j.comm.aeron.Algorithm;

/** {@code phantom bench comm}: latency and bandwidth of the collectives, beside raw Aeron and plain TCP. */
public final class BenchCommCommand implements Command {

    private static final int DEFAULT_RANKS = 2;
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
        List<Long> sizes = sizes(arguments);
        Set<String> operations = operations(arguments);
        Path json = arguments.has("json") ? OutputFile.writable("json", arguments.text("json", null)) : null;
        List<Object> rows = new ArrayList<>();
        for (String name : arguments.text("comm", "local,aeron").split(",", -1)) {
            CommOptions comm = CommOptions.of(name.trim(), arguments);
            int ranks = comm.ranks(arguments, DEFAULT_RANKS);
            if (comm.launches()) {
                rows.addAll(inProcesses(comm, ranks, arguments));
            } else {
                rows.addAll(new BenchRun(comm.name(), ranks, operations, sizes, comm.timeout()).run());
            }
        }
        // of the ranks that are processes only rank 0 has results
        if (json != null && !rows.isEmpty()) {
            Map<String, Object> results = new LinkedHashMap<>();
            results.put(RESULTS, rows);
            Report.write(json, results);
        }
        return Command.OK;
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

    /** Runs this command once for each rank, and takes the results of rank 0 from a file. */
    private List<Object> inProcesses(CommOptions comm, int ranks, Arguments arguments) throws Exception {
        try (HandedFile handed = HandedFile.named("results.json")) {
            Path file = handed.path();
            Map<String, String> variables =
                    arguments.has("algorithm") ? Map.of("PHANTOM_AERON_ALGORITHM", algorithm(arguments)) : Map.of();
            int status = comm.launch(
                    this, arguments, ranks, Map.of("comm", comm.name(), "json", file.toString()), variables);
            if (status != 0) {
                throw new IllegalStateException("the ranks failed with status " + status + ": see their output above");
            }
            JsonNode results = new ObjectMapper().readTree(file.toFile()).get(RESULTS);
            List<Object> rows = new ArrayList<>();
            results.forEach(rows::add);
            return rows;
        }
    }
}
