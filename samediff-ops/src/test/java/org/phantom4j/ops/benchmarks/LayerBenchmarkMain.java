package org.phantom4j.ops.benchmarks;

import java.util.Arrays;
import java.util.Collection;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.Options;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;

/**
 * Runs {@link LayerBenchmark} in rounds, layer and bare products in turn, and prints the ratios of the medians over the
 * rounds. {@code mvn -B -pl samediff-ops -am test-compile -P benchmarks} runs it.
 */
public final class LayerBenchmarkMain {

    private LayerBenchmarkMain() {}

    /**
     * Runs the benchmark.
     *
     * @param args the number of rounds, 3 unless given
     * @throws RunnerException if JMH cannot run it
     */
    public static void main(String[] args) throws RunnerException {
        int rounds = args.length > 0 ? Integer.parseInt(args[0]) : 3;
        double[][] times = new double[4][rounds];
        String[] names = {"phantom", "phantomProducts", "tensor", "tensorProducts"};
        for (int round = 0; round < rounds; round++) {
            for (int i = 0; i < names.length; i++) {
                times[i][round] = milliseconds(names[i]);
            }
        }
        for (int i = 0; i < names.length; i += 2) {
            double layer = median(times[i]);
            double products = median(times[i + 1]);
            System.out.printf(
                    "%s: layer %.1f ms %s, products %.1f ms %s, ratio %.3f%n",
                    names[i],
                    layer,
                    Arrays.toString(times[i]),
                    products,
                    Arrays.toString(times[i + 1]),
                    layer / products);
        }
    }

    private static double milliseconds(String benchmark) throws RunnerException {
        Options options = new OptionsBuilder()
                .include(LayerBenchmark.class.getName() + "\\." + benchmark + "$")
                .forks(1)
                .warmupIterations(1)
                .warmupTime(TimeValue.seconds(2))
                .measurementIterations(3)
                .measurementTime(TimeValue.seconds(2))
                .build();
        Collection<RunResult> results = new Runner(options).run();
        return results.iterator().next().getPrimaryResult().getStatistics().getMin();
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }
}
