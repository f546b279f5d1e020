package org.phantom4j.ops.gpu;

import java.util.Random;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A phantom layer's kernels beside loops on the CPU. Skipped without a GPU. */
@Timeout(300)
class PhantomKernelsTest {

    private static final ElementwiseActivation RELU = new ElementwiseActivation(1, 0);
    private static final double RATE = 0.5;

    /** A layer's numbers: of three shards' phantom activations, the one in the middle is its own. */
    private static final class Layer {
        final int batch;
        final int inner;
        final int width;
        final int k;
        final double[] x;
        final double[] weights;
        final double[] images;
        final double[] decompressors;
        final double[] bias;

        Layer(int batch, int inner, int width, int k) {
            Random random = new Random(batch * 31L + width);
            this.batch = batch;
            this.inner = inner;
            this.width = width;
            this.k = k;
            this.x = OnDevice.numbers(random, batch * inner);
            this.weights = OnDevice.numbers(random, inner * width);
            this.images = OnDevice.numbers(random, batch * 3 * k);
            this.decompressors = OnDevice.numbers(random, 2 * k * width);
            this.bias = OnDevice.numbers(random, width);
        }

        double[] others() {
            double[] others = new double[2 * k * batch];
            System.arraycopy(images, 0, others, 0, k * batch);
            System.arraycopy(images, 2 * k * batch, others, k * batch, k * batch);
            return others;
        }

        double[] local() {
            return OnDevice.product(x, weights, batch, inner, width);
        }

        double[] activations() {
            double[] sum = local();
            double[] phantom = OnDevice.product(others(), decompressors, batch, 2 * k, width);
            for (int i = 0; i < sum.length; i++) {
                sum[i] = Math.max(0, sum[i] + phantom[i] + bias[i / batch]);
            }
            return sum;
        }

        PhantomKernels.Images images(OnDevice on) {
            return new PhantomKernels.Images(on.factors(images), 2L * k, k, k);
        }
    }

    private static void assertActivations(OnDevice on, Layer layer, TwoOrders to, long exact, String what) {
        double[] expected = layer.activations();
        OnDevice.assertNear(expected, on.readReals(exact, expected.length), 4 * on.sumBound(), what);
        on.assertOrders(expected, to, layer.batch, what);
    }

    @ParameterizedTest
    @EnumSource(
            value = Precision.class,
            names = {"TF32", "BF16", "BF16_PURE"})
    void whicheverPartComesLastEndsTheLayer(Precision precision) {
        try (OnDevice on = new OnDevice(precision)) {
            assertBothOrders(on, new Layer(1, 264, 203, 8));
            assertBothOrders(on, new Layer(5, 1024, 20, 3));
            assertBothOrders(on, new Layer(8, 8, 130, 8));
            assertBothOrders(on, new Layer(9, 4104, 128, 1));
            assertBothOrders(on, new Layer(16, 264, 1000, 5));
            assertBothOrders(on, new Layer(30, 512, 203, 8));
            // more outputs than all blocks have at a time
            assertBothOrders(on, new Layer(32, 136, 17_000, 4));
        }
    }

    private static void assertBothOrders(OnDevice on, Layer layer) {
        FewSamples kernels = on.kernels.fewSamples();
        int count = layer.batch * layer.width;
        int sums = (int) kernels.partReals(layer.batch, layer.width);
        long counters = on.zeros(Integer.BYTES * FewSamples.counters(layer.width));
        ProductShape local = ProductShape.of(true, false, layer.batch, layer.width, layer.inner);
        long x = on.factors(OnDevice.transposed(layer.x, layer.batch, layer.inner));
        long weights = on.factors(layer.weights);
        long decompressors = on.factors(layer.decompressors);
        Parameter bias = on.parameter(layer.bias, false);
        PhantomKernels.Images images = layer.images(on);
        // the counters are those that the pass before has left
        for (boolean phantomFirst : new boolean[] {true, false, false, true}) {
            TwoOrders to = on.roomForBothOrders(count);
            long exact = on.roomForReals(count);
            FewSamples.End end = new FewSamples.End(
                    new FewSamples.Parts(on.roomForReals(sums), counters),
                    local,
                    new Neurons(bias, RELU, layer.batch, layer.width),
                    to,
                    exact);
            if (phantomFirst) {
                kernels.phantomPart(on.stream, images, decompressors, end);
            }
            kernels.localPart(on.stream, x, weights, end);
            if (!phantomFirst) {
                kernels.phantomPart(on.stream, images, decompressors, end);
            }
            assertActivations(
                    on, layer, to, exact, "batch " + layer.batch + (phantomFirst ? "" : ", local part first"));
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Precision.class,
            names = {"TF32", "BF16", "BF16_PURE"})
    void forward(Precision precision) {
        try (OnDevice on = new OnDevice(precision)) {
            for (int batch : new int[] {4, 60, 256, 516}) {
                Layer layer = new Layer(batch, 8, 45, batch == 60 ? 5 : 40);
                int count = batch * layer.width;
                TwoOrders to = on.roomForBothOrders(count);
                long exact = on.roomForReals(count);
                Neurons neurons = new Neurons(on.parameter(layer.bias, false), RELU, batch, layer.width);
                on.kernels
                        .phantom()
                        .forward(
                                on.stream,
                                on.reals(layer.local()),
                                layer.images(on),
                                on.factors(layer.decompressors),
                                neurons,
                                to,
                                exact);
                assertActivations(on, layer, to, exact, "batch " + batch);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Precision.class,
            names = {"TF32", "BF16", "BF16_PURE"})
    void backward(Precision precision) {
        try (OnDevice on = new OnDevice(precision)) {
            for (int batch : new int[] {4, 60, 256, 516}) {
                Layer layer = new Layer(batch, 8, 45, batch == 60 ? 5 : 40);
                int count = batch * layer.width;
                Random random = new Random(batch);
                double[] dy = OnDevice.numbers(random, count);
                double[] y = OnDevice.numbers(random, count);
                double[] gradients = OnDevice.numbers(random, batch * layer.k);
                double[] compressor = OnDevice.numbers(random, layer.width * layer.k);
                double[] delta = delta(dy, y, gradients, compressor, batch, layer);
                TwoOrders to = on.roomForBothOrders(count);
                for (boolean step : new boolean[] {true, false}) {
                    Parameter bias = on.parameter(layer.bias, !step);
                    on.kernels
                            .phantom()
                            .backward(
                                    on.stream,
                                    on.reals(dy),
                                    on.factors(gradients),
                                    on.factors(compressor),
                                    layer.k,
                                    on.factors(y),
                                    new Neurons(bias, RELU, batch, layer.width),
                                    to,
                                    RATE);
                    String what = "batch " + batch;
                    on.assertOrders(delta, to, batch, what);
                    Expected.assertBias(on, layer.bias, bias, delta, RATE, what);
                }
            }
        }
    }

    /** (dy + h Cᵀ) where y is positive. */
    private static double[] delta(
            double[] dy, double[] y, double[] gradients, double[] compressor, int batch, Layer layer) {
        double[] delta = new double[dy.length];
        for (int f = 0; f < layer.width; f++) {
            for (int b = 0; b < batch; b++) {
                double sum = dy[f * batch + b];
                for (int i = 0; i < layer.k; i++) {
                    sum += gradients[i * batch + b] * compressor[i * layer.width + f];
                }
                delta[f * batch + b] = y[f * batch + b] > 0 ? sum : 0;
            }
        }
        return delta;
    }
}
