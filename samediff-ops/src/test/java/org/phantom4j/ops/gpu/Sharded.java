package org.phantom4j.ops.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Random;

/**
 * Values of a batch of a rank's shards, feature-major with what is between shards, as tests of kernels make and check them.
 *
 * @param on where they are
 * @param widths how shards lie
 * @param batch places for samples
 */
record Sharded(OnDevice on, ShardWidths widths, int batch) {

    /** One, three and four shards; some end before a kernel's last 64 features begin, some go on beyond them. */
    static final List<ShardWidths> LAYOUTS = List.of(
            new ShardWidths(48, 41, 0, 1),
            new ShardWidths(16, 12, 1, 3),
            new ShardWidths(72, 64, 1, 3),
            new ShardWidths(72, 69, 3, 4),
            new ShardWidths(136, 129, 2, 3));

    /** What biases are between shards, where it should not matter. */
    private static final double NO_BIAS = 0.75;

    int length() {
        return (int) widths.length();
    }

    int count() {
        return batch * length();
    }

    /** Whether there is a neuron at that place. */
    boolean isNeuron(int place) {
        return place % widths.stride() < widths.width(place / widths.stride());
    }

    /** Some numbers for each place. */
    double[] numbers(Random random, int each, double between) {
        double[] numbers = OnDevice.numbers(random, length() * each);
        for (int i = 0; i < numbers.length; i++) {
            if (!isNeuron(i / each)) {
                numbers[i] = between;
            }
        }
        return numbers;
    }

    /** A number for each sample and neuron, zeros between shards. */
    double[] values(Random random) {
        return numbers(random, batch, 0);
    }

    /** A number for each neuron, and others between shards. */
    double[] bias(Random random) {
        return numbers(random, 1, NO_BIAS);
    }

    TwoOrders room() {
        return new TwoOrders(on.roomForFactors(count()), on.roomForFactors(count()));
    }

    /** activation(z + bias), and zeros between shards. */
    double[] activated(double[] z, double[] bias, ElementwiseActivation activation) {
        double[] y = new double[count()];
        for (int i = 0; i < y.length; i++) {
            int place = i / batch;
            y[i] = isNeuron(place) ? Expected.activated(z[i] + bias[place], activation) : 0;
        }
        return y;
    }

    /** dy · activation'(y). */
    double[] delta(double[] dy, double[] y, ElementwiseActivation activation) {
        double[] delta = new double[count()];
        for (int i = 0; i < delta.length; i++) {
            delta[i] = isNeuron(i / batch) ? dy[i] * Expected.derivative(y[i], activation) : 0;
        }
        return delta;
    }

    /** Reals, feature-major. */
    void assertReals(double[] expected, long actual, double bound, String what) {
        double[] values = on.readReals(actual, count());
        OnDevice.assertNear(expected, values, bound, what);
        assertZeros(values, what);
    }

    /** Factors in both orders. */
    void assertOrders(double[] expected, TwoOrders actual, String what) {
        assertOrders(expected, actual, 1, what);
    }

    /** The same, of factors that are at most about so large. */
    void assertOrders(double[] expected, TwoOrders actual, double unit, String what) {
        double[] features = on.readFactors(actual.features(), count());
        OnDevice.assertNear(in(unit, expected), in(unit, features), on.factorBound(), what + ", features");
        assertZeros(features, what + ", features");
        // the same numbers, wherever they are
        double[] samples = on.readFactors(actual.samples(), count());
        OnDevice.assertNear(OnDevice.transposed(features, batch, length()), samples, 0, what + ", samples");
    }

    static double[] in(double unit, double[] values) {
        double[] scaled = new double[values.length];
        for (int i = 0; i < values.length; i++) {
            scaled[i] = values[i] / unit;
        }
        return scaled;
    }

    /** Nothing is between shards. */
    private void assertZeros(double[] values, String what) {
        for (int i = 0; i < values.length; i++) {
            if (!isNeuron(i / batch)) {
                assertEquals(0, Math.abs(values[i]), what + ": between shards, at " + i);
            }
        }
    }

    /** The bias's gradient, where there is room for it, or its step; what is between shards is not touched. */
    void assertBias(double[] before, Parameter bias, double[] delta, double unit, double rate, String what) {
        double[] sums = Expected.sums(delta, length());
        double[] expected = before.clone();
        boolean steps = bias.gradient() == 0;
        if (!steps) {
            double[] gradient = on.readReals(bias.gradient(), length());
            for (int place = 0; place < length(); place++) {
                if (!isNeuron(place)) {
                    assertTrue(Double.isNaN(gradient[place]), what + ", gradient between shards, at " + place);
                    gradient[place] = 0;
                }
            }
            OnDevice.assertNear(in(unit, sums), in(unit, gradient), 4 * on.sumBound(), what + ", gradient");
        }
        for (int place = 0; place < length() && steps; place++) {
            expected[place] -= isNeuron(place) ? rate * sums[place] : 0;
        }
        double[] actual = on.read(bias);
        OnDevice.assertNear(expected, actual, steps ? on.parameterBound() : 0, what + ", bias");
        for (int place = 0; place < length(); place++) {
            if (!isNeuron(place)) {
                assertEquals(before[place], actual[place], what + ", bias between shards, at " + place);
            }
        }
    }
}
