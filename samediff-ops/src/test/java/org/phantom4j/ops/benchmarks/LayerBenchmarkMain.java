package org.phantom4j.ops.benchmarks;

import java.util.Arrays;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.Options;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.util.Statistics;

/**
 * Runs {@link LayerBenchmark} in rounds, layer and bare products in turn, and prints the ratios of the median
 * times, and of the least, which other programs on the machine disturb least. Needs the class path of the tests.
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
        String[] names = {"phantom", "phantomProducts", "tensor", "tensorProducts"};
        double[][] medians = new double[names.length][rounds];
        double[] least = new double[names.length];
        Arrays.fill(least, Double.POSITIVE_INFINITY);
        for (int round = 0; round < rounds; round++) {
            for (int i = 0; i < names.length; i++) {
                Statistics times = milliseconds(names[i]);
                medians[i][round] = times.getPercentile(50);
                least[i] = Math.min(least[i], times.getMin());
            }
        }
        for (int i = 0; i < names.length; i += 2) {
            double layer = median(medians[i]);
            double products = median(medians[i + 1]);
            System.out.printf(
                    "%s: median %.1f ms, bare products %.1f ms, ratio %.3f; least %.1f ms, %.1f ms, ratio %.3f%n",
                    names[i], layer, products, layer / products, least[i], least[i + 1], least[i] / least[i + 1]);
        }
    }

    private static Statistics milliseconds(String benchmark) throws RunnerException {
        Options options = new OptionsBuilder()
                .include(LayerBenchmark.class.getName() + "\\." + benchmark + "$")
                .forks(1)
                .warmupIterations(2)
                .warmupTime(TimeValue.seconds(1))
                .measurementIterations(3)
                .measurementTime(TimeValue.seconds(2))
                .build();
        return new Runner(options).run().iterator().next().getPrimaryResult().getStatistics();
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }
}
