package org.phantom4j.cli.bench;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.phantom4j.comm.CommBackend;
import org.phantom4j.comm.Communicator;

/**
 * What {@code phantom bench comm} measures, on the ranks that this process runs.
 *
 * @param backend local or aeron
 * @param operations what to time, of {@link #OPERATIONS}; raw-aeron and tcp only beside the back end aeron
 * @param sizes bytes, ascending
 */
public record BenchRun(String backend, int ranks, Set<String> operations, List<Long> sizes, Duration timeout) {

    /** Everything that can be timed. */
    public static final Set<String> OPERATIONS = Collections.unmodifiableSet(new LinkedHashSet<>(
            List.of("raw-aeron", "tcp", "barrier", "all-gather", "reduce-scatter", "all-reduce", "broadcast")));

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
        CommBench bench = new CommBench(comm, backend, operations, result -> {
            if (prints) {
                System.out.println(result);
            }
        });
        bench.run(sizes);
        List<Map<String, Object>> rows = new ArrayList<>();
        if (prints) {
            bench.results().forEach(result -> rows.add(result.json()));
        }
        return rows;
    }
}
