package org.phantom4j.ops.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.phantom4j.ops.gpu.ProductStep.OwnRows;
import org.phantom4j.ops.gpu.UpdateKernels.Way;

/** Weights stepped by a product in one pass, beside loops on the CPU. Skipped without a GPU that can. */
@Timeout(300)
class ProductUpdatesTest {

    private static final double RATE = 1.0 / 64;

    @ParameterizedTest
    @EnumSource(names = {"BF16", "BF16_PURE"})
    void rowsKept(Precision precision) {
        try (OnDevice on = new OnDevice(precision)) {
            for (int batch : new int[] {8, 40, 200, 256}) {
                assertStepped(on, Way.ROWS_KEPT, batch, 64, 300, 1);
                assertStepped(on, Way.ROWS_KEPT, batch, 520, 40, 1);
                assertStepped(on, Way.ROWS_KEPT, batch, 72, 88, 3);
            }
            assertStepped(on, Way.ROWS_KEPT, 40, 264, 32, 16);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"BF16", "BF16_PURE"})
    void tiles(Precision precision) {
        try (OnDevice on = new OnDevice(precision)) {
            for (Way way : new Way[] {Way.TILES, Way.PAIRED_TILES, Way.THIN_TILES}) {
                for (int batch : new int[] {8, 40, 256, 264, 512, 1000}) {
                    assertStepped(on, way, batch, 8, 8, 1);
                    assertStepped(on, way, batch, 136, 168, 3);
                }
                assertStepped(on, way, 520, 72, 40, 16);
                // more rows than a band of tiles, more tiles than run at a time
                assertStepped(on, way, 8, 1160, 2184, 1);
                assertStepped(on, way, 72, 200, 264, 48);
            }
        }
    }

    private static void assertStepped(OnDevice on, Way way, int batch, int rows, int columns, int shards) {
        Random random = new Random(batch + rows);
        Factors x = Factors.random(on, random, shards, rows, batch);
        StepOfWeights step = new StepOfWeights(on, random, batch, x, columns, OwnRows.NONE);
        assumeCan(on, way, step, batch);
        on.kernels.updates().update(on.stream, way, step.step(), batch, on.controls(1, RATE));
        step.assertStepped();
    }

    @ParameterizedTest
    @EnumSource(names = {"BF16", "BF16_PURE"})
    void twoInOneLaunch(Precision precision) {
        try (OnDevice on = new OnDevice(precision)) {
            for (int shards : new int[] {1, 3}) {
                int batch = 200;
                Random random = new Random(shards);
                Factors x = Factors.random(on, random, shards, 264, batch);
                StepOfWeights large = new StepOfWeights(on, random, batch, x, 304, OwnRows.NONE);
                StepOfWeights small = new StepOfWeights(on, random, batch, x, 40, OwnRows.NONE);
                assumeCan(on, Way.ROWS_KEPT, large, batch);
                on.kernels.updates().update(on.stream, large.step(), small.step(), batch, on.controls(1, RATE));
                large.assertStepped();
                small.assertStepped();
            }
        }
    }

    /** Decompressors of the second and third of four shards: their own rows are left as they are. */
    @ParameterizedTest
    @EnumSource(names = {"BF16", "BF16_PURE"})
    void ownRowsAreLeft(Precision precision) {
        try (OnDevice on = new OnDevice(precision)) {
            for (Way way : Way.values()) {
                for (int width : new int[] {8, 40, 136}) {
                    int batch = 72;
                    Random random = new Random(width);
                    Factors x = Factors.random(on, random, 1, 4 * width, batch);
                    StepOfWeights step = new StepOfWeights(on, random, batch, x, 2 * 328, new OwnRows(width, 1, 328));
                    assumeCan(on, way, step, batch);
                    on.kernels.updates().update(on.stream, way, step.step(), batch, on.controls(1, RATE));
                    step.assertStepped();
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"BF16", "BF16_PURE"})
    void whatIsNoNumberStaysNone(Precision precision) {
        try (OnDevice on = new OnDevice(precision)) {
            for (Way way : Way.values()) {
                int batch = 16;
                Random random = new Random(5);
                Factors x = Factors.random(on, random, 1, 64, batch);
                StepOfWeights step = new StepOfWeights(on, random, batch, x, 64, OwnRows.NONE);
                assumeCan(on, way, step, batch);
                step.spoil(9 * batch + 1);
                on.kernels.updates().update(on.stream, way, step.step(), batch, on.controls(1, RATE));
                step.expectStep();
                assertNoNumbers(on, step.weights, step.parameter);
                assertNoNumbers(on, step.weights, on.parameter(step.weights, false));
            }
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

    /** Inputs of nothing but zeros and one: each step rounds a weight another way, so that small steps add up. */
    @ParameterizedTest
    @EnumSource(
            value = Precision.class,
            names = {"BF16_PURE"})
    void smallStepsAddUp(Precision precision) {
        try (OnDevice on = new OnDevice(precision)) {
            int batch = 8;
            int width = 64;
            int steps = 200;
            double rate = 1.0 / 4096;
            double[] one = new double[width * batch];
            double[] ones = new double[width * width];
            Arrays.fill(ones, 1);
            for (int i = 0; i < width; i++) {
                one[i * batch] = 1;
            }
            long x = on.factors(one);
            for (Way way : Way.values()) {
                Parameter weights = on.parameter(ones, false);
                ProductStep step = ProductStep.of(x, x, weights, width, width, width);
                assumeTrue(on.kernels.updates().canUpdate(way, step, batch), "this device has no kernel for it");
                for (int i = 1; i <= steps; i++) {
                    on.kernels.updates().update(on.stream, way, step, batch, on.controls(i, -rate));
                }
                double sum = 0;
                for (double weight : on.read(weights)) {
                    sum += weight - 1;
                }
                double deviation = Math.sqrt(steps / (double) ones.length * 31 / 1024) / 128;
                assertEquals(steps * rate, sum / ones.length, 4 * deviation, way.toString());
            }
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"BF16", "FP32"})
    void whatCannotBeDoneIsSaid(Precision precision) {
        try (OnDevice on = new OnDevice(precision)) {
            Parameter weights = on.parameter(new double[128], false);
            ProductStep odd = ProductStep.of(weights.address(), weights.address(), weights, 12, 12, 4);
            for (Way way : Way.values()) {
                assertFalse(on.kernels.updates().canUpdate(way, odd, 8), "12 rows");
                assertFalse(on.kernels.updates().canUpdate(way, odd, 7), "7 samples");
            }
        }
    }

    private static void assumeCan(OnDevice on, Way way, StepOfWeights step, int batch) {
        assumeTrue(on.kernels.updates().canUpdate(way, step.step(), batch), "this device has no kernel for " + way);
    }

    /** Feature-major, here and on the device, with a gap behind each shard's that must not be read. */
    private record Factors(int shards, int width, int batch, int gap, double[] values, long address) {
        static Factors random(OnDevice on, Random random, int shards, int width, int batch) {
            int gap = width * batch + 8;
            double[] values = new double[gap * shards];
            Arrays.fill(values, Double.NaN);
            for (int shard = 0; shard < shards; shard++) {
                double[] numbers = OnDevice.numbers(random, width * batch);
                System.arraycopy(numbers, 0, values, shard * gap, numbers.length);
            }
            return new Factors(shards, width, batch, gap, values, on.factors(values));
        }

        double get(int shard, int feature, int sample) {
            return values[shard * gap + feature * batch + sample];
        }
    }

    /** Random weights with gaps between columns, and between shards, and what steps them. */
    private static final class StepOfWeights {
        private final OnDevice on;
        private final int batch;
        private final Factors x;
        private final int columns;
        private final int stride;
        private final int gap;
        private final OwnRows own;
        private final double[] weights;
        private final Parameter parameter;
        private Factors delta;
        private int steps;

        StepOfWeights(OnDevice on, Random random, int batch, Factors x, int columns, OwnRows own) {
            this.on = on;
            this.batch = batch;
            this.x = x;
            this.columns = columns;
            this.own = own;
            this.delta = Factors.random(on, random, x.shards, columns, batch);
            this.stride = x.width + 16;
            this.gap = stride * columns + 8;
            this.weights = OnDevice.numbers(random, gap * x.shards);
            this.parameter = on.parameter(weights, false);
        }

        void spoil(int at) {
            delta.values[at] = Double.NaN;
            delta = new Factors(delta.shards, delta.width, batch, delta.gap, delta.values, on.factors(delta.values));
        }

        ProductStep step() {
            return new ProductStep(
                    x.address,
                    x.gap,
                    delta.address,
                    delta.gap,
                    parameter,
                    gap,
                    stride,
                    x.width,
                    columns,
                    x.shards,
                    own);
        }

        void expectStep() {
            for (int shard = 0; shard < x.shards; shard++) {
                for (int c = 0; c < columns; c++) {
                    int first = (own.first() + c / own.columns()) * own.count();
                    for (int r = 0; r < x.width; r++) {
                        if (r >= first && r < first + own.count()) {
                            continue;
                        }
                        double sum = 0;
                        for (int b = 0; b < batch; b++) {
                            sum += x.get(shard, r, b) * delta.get(shard, c, b);
                        }
                        weights[shard * gap + c * stride + r] -= RATE * sum;
                    }
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
                    batch + " samples, " + x.width + " rows, " + columns + " columns, " + x.shards + " shards");
        }
    }
}
