package org.phantom4j.cli.bench;

import java.util.LinkedHashMap;
import java.util.Map;
import org.HdrHistogram.Histogram;

/**
 * How long one operation of one size took.
 *
 * @param transport local, aeron, raw-aeron or tcp
 * @param operation all-gather, all-reduce, …
 * @param bytes payload: of each rank's part for an all-gather, of the array for the others
 * @param busBytes bytes that a bandwidth-optimal algorithm moves to and from each rank
 */
record Timings(String transport, String operation, int ranks, long bytes, long busBytes, Histogram ns) {

    private static final long LONGEST_NS = 3_600_000_000_000L;
    private static final int DIGITS = 3;
    private static final double NS_PER_US = 1e3;

    static Histogram histogram() {
        return new Histogram(LONGEST_NS, DIGITS);
    }

    double p50Us() {
        return ns.getValueAtPercentile(50) / NS_PER_US;
    }

    double p99Us() {
        return ns.getValueAtPercentile(99) / NS_PER_US;
    }

    /** Bus bandwidth at the median, in bytes a nanosecond = GB/s. */
    double gigabytesPerSecond() {
        return (double) busBytes / ns.getValueAtPercentile(50);
    }

    Map<String, Object> json() {
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("transport", transport);
        row.put("operation", operation);
        row.put("ranks", ranks);
        row.put("bytes", bytes);
        row.put("count", ns.getTotalCount());
        row.put("p50Us", p50Us());
        row.put("p99Us", p99Us());
        row.put("gigabytesPerSecond", gigabytesPerSecond());
        return row;
    }

    @Override
    public String toString() {
        return String.format(
                "%-9s ranks=%d %-14s %,12d bytes: p50 %,11.1f us, p99 %,11.1f us, %6.2f GB/s",
                transport, ranks, operation, bytes, p50Us(), p99Us(), gigabytesPerSecond());
    }
}
