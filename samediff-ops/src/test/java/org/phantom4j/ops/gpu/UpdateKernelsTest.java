package org.phantom4j.ops.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Random;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Updaters' kernels beside loops on the CPU. Skipped without a GPU. */
@Timeout(300)
class UpdateKernelsTest {

    private static final int COUNT = 1003;
    private static final double RATE = 0.25;

    /** What padding is, and stays. */
    private static final int ZEROS = 16;

    @ParameterizedTest
    @EnumSource(Precision.class)
    void parametersAreKept(Precision precision) {
        try (OnDevice on = new OnDevice(precision)) {
            double[] values = new Random(1).doubles(COUNT, -1, 1).toArray();
            OnDevice.assertNear(
                    values, on.read(on.parameter(values, false)), Math.max(6e-8, on.parameterBound() / 2), "values");
        }
    }

    /** Some numbers, after zeros. */
    private static double[] padded(Random random) {
        double[] values = new double[COUNT];
        System.arraycopy(OnDevice.numbers(random, COUNT - ZEROS), 0, values, ZEROS, COUNT - ZEROS);
        return values;
    }

    private static void assertPadding(double[] values) {
        for (int i = 0; i < ZEROS; i++) {
            assertEquals(0, values[i], "padding " + i);
        }
    }

    private static Parameter withGradient(OnDevice on, double[] values, double[] gradient) {
        return on.parameter(values, false).withGradient(on.reals(gradient));
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void gradientDescent(Precision precision) {
        try (OnDevice on = new OnDevice(precision)) {
            Random random = new Random(2);
            double[] values = padded(random);
            double[] gradient = padded(random);
            Parameter parameter = withGradient(on, values, gradient);
            // all of them, and then a part that begins where no vector does
            on.kernels.updates().sgd(on.stream, parameter, on.controls(1, RATE));
            int first = 101;
            on.kernels.updates().sgd(on.stream, parameter.part(first, COUNT - first, precision), on.controls(2, 0.5));
            double[] expected = Expected.stepped(values, gradient, RATE);
            for (int i = first; i < COUNT; i++) {
                expected[i] -= 0.5 * gradient[i];
            }
            double[] actual = on.read(parameter);
            OnDevice.assertNear(expected, actual, 2 * on.parameterBound(), "values");
            assertPadding(actual);
        }
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void momentum(Precision precision) {
        try (OnDevice on = new OnDevice(precision)) {
            Random random = new Random(3);
            double[] values = padded(random);
            double[] gradient = padded(random);
            double[] velocity = padded(random);
            Parameter parameter = withGradient(on, values, gradient);
            long state = on.reals(velocity);
            on.kernels.updates().nesterovs(on.stream, parameter, state, on.controls(1, RATE), 0.5);
            for (int i = 0; i < COUNT; i++) {
                double before = velocity[i];
                velocity[i] = 0.5 * before - RATE * gradient[i];
                values[i] += 1.5 * velocity[i] - 0.5 * before;
            }
            double[] actual = on.read(parameter);
            OnDevice.assertNear(values, actual, on.parameterBound(), "values");
            OnDevice.assertNear(velocity, on.readReals(state, COUNT), on.sumBound(), "velocity");
            assertPadding(actual);
        }
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void adam(Precision precision) {
        try (OnDevice on = new OnDevice(precision)) {
            Random random = new Random(4);
            double[] values = padded(random);
            double[] gradient = padded(random);
            double[] first = new double[COUNT];
            double[] second = new double[COUNT];
            Parameter parameter = withGradient(on, values, gradient);
            long m = on.reals(first);
            long v = on.reals(second);
            int before = 5;
            for (int step = 1; step <= 3; step++) {
                on.kernels
                        .updates()
                        .adam(on.stream, parameter, m, v, on.controls(step, RATE), before, 0.9, 0.999, 1e-8);
                int t = step + before;
                double stepRate = RATE * Math.sqrt(1 - Math.pow(0.999, t)) / (1 - Math.pow(0.9, t));
                for (int i = 0; i < COUNT; i++) {
                    first[i] = 0.9 * first[i] + 0.1 * gradient[i];
                    second[i] = 0.999 * second[i] + 0.001 * gradient[i] * gradient[i];
                    values[i] -= stepRate * first[i] / (Math.sqrt(second[i]) + 1e-8);
                }
            }
            double bound = precision == Precision.FP64 ? 1e-12 : Math.max(1e-5, 3 * on.parameterBound());
            double[] actual = on.read(parameter);
            OnDevice.assertNear(values, actual, bound, "values");
            OnDevice.assertNear(first, on.readReals(m, COUNT), on.sumBound(), "first moment");
            OnDevice.assertNear(second, on.readReals(v, COUNT), on.sumBound(), "second moment");
            assertPadding(actual);
        }
    }

    /** The device's rounding is that which RoundingTest knows, and a training's steps round one by one. */
    @ParameterizedTest
    @EnumSource(
            value = Precision.class,
            names = {"BF16_PURE"})
    void roundingDependsOnStepAndPlace(Precision precision) {
        try (OnDevice on = new OnDevice(precision)) {
            double[] ones = new double[COUNT];
            double[] gradient = new double[COUNT];
            for (int i = 0; i < COUNT; i++) {
                ones[i] = 1;
                gradient[i] = -1;
            }
            long place = 1_000_000;
            int steps = 200;
            double rate = 1.0 / 4096;
            Parameter parameter = on.parameter(ones, false, place).withGradient(on.reals(gradient));
            float[] expected = new float[COUNT];
            for (int step = 1; step <= steps; step++) {
                on.kernels.updates().sgd(on.stream, parameter, on.controls(step, rate));
            }
            double[] actual = on.read(parameter);
            double sum = 0;
            for (int i = 0; i < COUNT; i++) {
                expected[i] = 1;
                for (int step = 1; step <= steps; step++) {
                    expected[i] = Rounding.rounded((float) (expected[i] + rate), step, place + i);
                }
                assertEquals(expected[i], actual[i], "weight " + i);
                sum += actual[i] - 1;
            }
            double deviation = Math.sqrt(steps / (double) COUNT * 31 / 1024) / 128;
            assertEquals(steps * rate, sum / COUNT, 4 * deviation);
        }
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void ownRowsAreCleared(Precision precision) {
        try (OnDevice on = new OnDevice(precision)) {
            int own = 24;
            int rows = 4 * own;
            int columns = 40;
            int shards = 2;
            double[] values = OnDevice.numbers(new Random(6), rows * columns * shards);
            double[] gradient = values.clone();
            Parameter parameter = withGradient(on, values, gradient);
            ProductStep.OwnRows ownRows = new ProductStep.OwnRows(own, 1, columns);
            on.kernels.updates().clearOwn(on.stream, parameter, rows, ownRows, shards);
            for (int c = 0; c < columns * shards; c++) {
                for (int r = 0; r < own; r++) {
                    values[c * rows + (1 + c / columns) * own + r] = 0;
                }
            }
            OnDevice.assertNear(values, on.read(parameter), 0, "weights");
            OnDevice.assertNear(values, on.readReals(parameter.gradient(), values.length), 0, "gradient");
        }
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void randomNumbers(Precision precision) {
        try (OnDevice on = new OnDevice(precision)) {
            int count = 100_000;
            long numbers = on.roomForFactors(count);
            on.kernels.fill(on.stream, numbers, count, 5, 2);
            double[] all = on.readFactors(numbers, count);
            double sum = 0;
            double squares = 0;
            for (double value : all) {
                sum += value;
                squares += value * value;
            }
            assertEquals(0, sum / count, 0.02);
            assertEquals(1.0 / 3, squares / count, 0.02);
        }
    }
}
