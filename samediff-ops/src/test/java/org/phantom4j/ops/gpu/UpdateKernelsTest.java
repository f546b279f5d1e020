package org.phantom4j.ops.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Random;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Updaters' kernels beside loops on the CPU. Skipped without a GPU. */
@Timeout(300)
class UpdateKernelsTest {

    private static final int COUNT = 1003;
    private static final double RATE = 0.25;
    private static final double STEP_RATE = 1.0 / 64;

    @ParameterizedTest
    @EnumSource(Precision.class)
    void parametersAreKept(Precision precision) {
        try (OnDevice on = new OnDevice(precision)) {
            double[] values = new Random(1).doubles(COUNT, -1, 1).toArray();
            OnDevice.assertNear(
                    values, on.read(on.parameter(values, false)), Math.max(6e-8, on.parameterBound() / 2), "values");
        }
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void gradientDescent(Precision precision) {
        try (OnDevice on = new OnDevice(precision)) {
            Random random = new Random(2);
            double[] values = OnDevice.numbers(random, COUNT);
            double[] gradient = OnDevice.numbers(random, COUNT);
            Parameter parameter = withGradient(on, values, gradient);
            on.kernels.updates().sgd(on.stream, parameter, RATE);
            OnDevice.assertNear(
                    Expected.stepped(values, gradient, RATE), on.read(parameter), on.parameterBound(), "values");
        }
    }

    private static Parameter withGradient(OnDevice on, double[] values, double[] gradient) {
        Parameter parameter = on.parameter(values, false);
        return new Parameter(parameter.address(), parameter.lower(), on.reals(gradient), values.length);
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void momentum(Precision precision) {
        try (OnDevice on = new OnDevice(precision)) {
            Random random = new Random(3);
            double[] values = OnDevice.numbers(random, COUNT);
            double[] gradient = OnDevice.numbers(random, COUNT);
            double[] velocity = OnDevice.numbers(random, COUNT);
            Parameter parameter = withGradient(on, values, gradient);
            long state = on.reals(velocity);
            on.kernels.updates().nesterovs(on.stream, parameter, state, RATE, 0.5);
            for (int i = 0; i < COUNT; i++) {
                double before = velocity[i];
                velocity[i] = 0.5 * before - RATE * gradient[i];
                values[i] += 1.5 * velocity[i] - 0.5 * before;
            }
            OnDevice.assertNear(values, on.read(parameter), on.parameterBound(), "values");
            OnDevice.assertNear(velocity, on.readReals(state, COUNT), on.sumBound(), "velocity");
        }
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void adam(Precision precision) {
        try (OnDevice on = new OnDevice(precision)) {
            Random random = new Random(4);
            double[] values = OnDevice.numbers(random, COUNT);
            double[] gradient = OnDevice.numbers(random, COUNT);
            double[] first = new double[COUNT];
            double[] second = new double[COUNT];
            Parameter parameter = withGradient(on, values, gradient);
            long m = on.reals(first);
            long v = on.reals(second);
            long step = on.zeros(8);
            long rate = on.room(8);
            for (int t = 1; t <= 3; t++) {
                on.kernels.updates().adam(on.stream, parameter, m, v, step, rate, RATE, 0.9, 0.999, 1e-8);
                double stepRate = RATE * Math.sqrt(1 - Math.pow(0.999, t)) / (1 - Math.pow(0.9, t));
                for (int i = 0; i < COUNT; i++) {
                    first[i] = 0.9 * first[i] + 0.1 * gradient[i];
                    second[i] = 0.999 * second[i] + 0.001 * gradient[i] * gradient[i];
                    values[i] -= stepRate * first[i] / (Math.sqrt(second[i]) + 1e-8);
                }
            }
            double bound = precision == Precision.FP64 ? 1e-12 : Math.max(1e-5, 3 * on.parameterBound());
            OnDevice.assertNear(values, on.read(parameter), bound, "values");
            OnDevice.assertNear(first, on.readReals(m, COUNT), on.sumBound(), "first moment");
            OnDevice.assertNear(second, on.readReals(v, COUNT), on.sumBound(), "second moment");
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Precision.class,
            names = {"BF16", "BF16_PURE"})
    void gradientAndStepInOnePass(Precision precision) {
        try (OnDevice on = new OnDevice(precision)) {
            for (int batch : new int[] {8, 200, 256}) {
                for (int rows : new int[] {64, 520}) {
                    assertOnePass(on, batch, rows, 300);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"BF16", "BF16_PURE"})
    void whatIsNoNumberStaysNone(Precision precision) {
        try (OnDevice on = new OnDevice(precision)) {
            int batch = 16;
            Random random = new Random(5);
            Factors x = Factors.of(on, OnDevice.numbers(random, 64 * batch));
            double[] delta = OnDevice.numbers(random, 64 * batch);
            delta[9 * batch + 1] = Double.NaN;
            StepOfMatrix matrix = new StepOfMatrix(on, random, batch, x, Factors.of(on, delta));
            assumeTrue(on.kernels.updates().canUpdate(matrix.step(), batch), "this device has no kernel for it");
            on.kernels.updates().updateProduct(on.stream, matrix.step(), null, batch, STEP_RATE);
            matrix.expectStep();
            assertNoNumbers(on, matrix.weights, matrix.parameter);
            assertNoNumbers(on, matrix.weights, on.parameter(matrix.weights, false));
        }
    }

    /** The same are none, and so are the halves of them that products read. */
    private static void assertNoNumbers(OnDevice on, double[] expected, Parameter parameter) {
        double[] actual = on.read(parameter);
        double[] factors = on.readFactors(parameter.address(), expected.length);
        for (int i = 0; i < expected.length; i++) {
            assertEquals(Double.isNaN(expected[i]), Double.isNaN(actual[i]), "weight " + i);
            assertEquals(Double.isNaN(expected[i]), Double.isNaN(factors[i]), "factor " + i);
        }
    }

    private static void assertOnePass(OnDevice on, int batch, int rows, int columns) {
        UpdateKernels updates = on.kernels.updates();
        Random random = new Random(batch + rows);
        Factors x = Factors.of(on, OnDevice.numbers(random, rows * batch));
        StepOfMatrix large = StepOfMatrix.random(on, random, batch, x, columns);
        StepOfMatrix small = StepOfMatrix.random(on, random, batch, x, 40);
        assumeTrue(updates.canUpdate(large.step(), batch), "this device has no kernel for it");
        updates.updateProduct(on.stream, large.step(), null, batch, STEP_RATE);
        large.assertStepped();
        updates.updateProduct(on.stream, large.step(), small.step(), batch, STEP_RATE);
        large.assertStepped();
        small.assertStepped();
    }

    /** Feature-major, here and on the device. */
    private record Factors(double[] values, long address) {
        static Factors of(OnDevice on, double[] values) {
            return new Factors(values, on.factors(values));
        }
    }

    /** Random weights with gaps between columns and before the first, and what steps them. */
    private static final class StepOfMatrix {
        private static final int OFFSET = 8;

        private final OnDevice on;
        private final int batch;
        private final Factors x;
        private final Factors delta;
        private final int rows;
        private final int columns;
        private final int stride;
        private final double[] weights;
        private final Parameter parameter;
        private int steps;

        StepOfMatrix(OnDevice on, Random random, int batch, Factors x, Factors delta) {
            this.on = on;
            this.batch = batch;
            this.x = x;
            this.delta = delta;
            this.rows = x.values().length / batch;
            this.columns = delta.values().length / batch;
            this.stride = rows + 16;
            this.weights = OnDevice.numbers(random, stride * columns);
            this.parameter = on.parameter(weights, false);
        }

        static StepOfMatrix random(OnDevice on, Random random, int batch, Factors x, int columns) {
            return new StepOfMatrix(on, random, batch, x, Factors.of(on, OnDevice.numbers(random, columns * batch)));
        }

        UpdateKernels.ProductStep step() {
            return new UpdateKernels.ProductStep(
                    x.address(), delta.address(), parameter, OFFSET, rows, columns, stride);
        }

        void expectStep() {
            for (int c = 0; c < columns; c++) {
                for (int r = 0; r < rows; r++) {
                    double sum = 0;
                    for (int b = 0; b < batch; b++) {
                        sum += x.values()[r * batch + b] * delta.values()[c * batch + b];
                    }
                    weights[c * stride + OFFSET + r] -= STEP_RATE * sum;
                }
            }
        }

        /** After one step more: each may round. */
        void assertStepped() {
            expectStep();
            steps++;
            OnDevice.assertNear(
                    weights,
                    on.read(parameter),
                    steps * on.parameterBound(),
                    batch + " samples, " + rows + " rows, " + columns + " columns");
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
