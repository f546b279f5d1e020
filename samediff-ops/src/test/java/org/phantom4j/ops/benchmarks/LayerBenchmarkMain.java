package org.phantom4j.ops.benchmarks;

import java.util.Arrays;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.Options;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;

/**
 * Runs {@link LayerBenchmark} in short rounds, layer and bare products in turn, and prints the median of the rounds'
 * ratios: other programs on the machine slow a whole round down rather than one of its sides. Needs the class path of
 * the tests.
 */
public final class LayerBenchmarkMain {

    private LayerBenchmarkMain() {}

    /**
     * Runs the benchmark.
     *
     * @param args the number of rounds, 5 unless given
     * @throws RunnerException if JMH cannot run it
     */
    public static void main(String[] args) throws RunnerException {
        int rounds = args.length > 0 ? Integer.parseInt(args[0]) : 5;
        String[] layers = {"phantom", "tensor"};
        double[][] times = new double[layers.length][rounds];
        double[][] bare = new double[layers.length][rounds];
        double[][] ratios = new double[layers.length][rounds];
        for (int round = 0; round < rounds; round++) {
            for (int i = 0; i < layers.length; i++) {
                times[i][round] = milliseconds(layers[i]);
                bare[i][round] = milliseconds(layers[i] + "Products");
                ratios[i][round] = times[i][round] / bare[i][round];
            }
        }
        for (int i = 0; i < layers.length; i++) {
            System.out.printf(
                    "%s: median %.1f ms, bare products %.1f ms; ratio of a round: median %.3f, from %.3f to %.3f%n",
                    layers[i],
                    median(times[i]),
                    median(bare[i]),
                    median(ratios[i]),
                    Arrays.stream(ratios[i]).min().orElseThrow(),
                    Arrays.stream(ratios[i]).max().orElseThrow());
        }
    }

    /** The median of a round's samples. */
    private static double milliseconds(String benchmark) throws RunnerException {
        Options options = new OptionsBuilder()
                .include(LayerBenchmark.class.getName() + "\\." + benchmark + "$")
                .forks(1)
                .warmupIterations(5)
                .warmupTime(TimeValue.seconds(1))
                .measurementIterations(1)
                .measurementTime(TimeValue.seconds(2))
                .build();
        return new Runner(options)
                .run()
                .iterator()
                .next()
                .getPrimaryResult()
                .getStatistics()
                .getPercentile(50);
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }
}
