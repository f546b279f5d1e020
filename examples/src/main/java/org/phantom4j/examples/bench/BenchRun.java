package org.phantom4j.examples.bench;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.phantom4j.comm.CommBackend;
import org.phantom4j.comm.Communicator;

/**
 * What {@code phantom bench comm} measures, on the ranks that this process runs.
 *
 * @param backend local or aeron
 * @param baselines of raw-aeron and tcp, those to measure beside it
 * @param sizes bytes, ascending
 */
public record BenchRun(String backend, int ranks, List<String> baselines, List<Long> sizes, Duration timeout) {

    /** The largest message of the baselines: their arrays are Java's. */
    private static final long MOST_RAW_BYTES = 64L << 20;

    /** Powers of four from 1 KiB to {@code largest} bytes. */
    public static List<Long> sizes(long largest) {
        return CommBench.sizes(1024, largest);
    }

    /**
     * Measures, and prints each result on rank 0.
     *
     * @return the results of rank 0 as JSON rows; empty in a process that does not run rank 0
     */
    public List<Map<String, Object>> run() throws Exception {
        List<List<Map<String, Object>>> byRank =
                CommBackend.named(backend).run(ranks, timeout, "bench comm " + this, this::measure);
        return byRank.get(0);
    }

    private List<Map<String, Object>> measure(Communicator comm) {
        boolean prints = comm.rank() == 0;
        CommBench bench = new CommBench(comm, backend, result -> {
            if (prints) {
                System.out.println(result);
            }
        });
        List<Long> rawSizes =
                sizes.stream().filter(bytes -> bytes <= MOST_RAW_BYTES).toList();
        if (baselines.contains("raw-aeron") && comm.size() > 1) {
            bench.rawAeron(rawSizes);
        }
        if (baselines.contains("tcp") && comm.size() > 1) {
            bench.tcp(rawSizes);
        }
        bench.collectives(sizes);
        List<Map<String, Object>> rows = new ArrayList<>();
        if (prints) {
            bench.results().forEach(result -> rows.add(result.json()));
        }
        return rows;
    }
}
