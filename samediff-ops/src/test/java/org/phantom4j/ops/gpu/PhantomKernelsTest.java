package org.phantom4j.ops.gpu;

import java.util.Random;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A phantom layer's kernels beside loops on the CPU. Skipped without a GPU. */
@Timeout(300)
class PhantomKernelsTest {

    private static final double RATE = 0.5;
    private static final int KINDS = 6;
    private static final int[] BATCHES = {8, 40, 264, 512};

    /** Less, and more, than kernels multiply at a time. */
    private static final int[] WIDTHS = {8, 40, 72};

    private static ElementwiseActivation activation(int kind) {
        return new ElementwiseActivation(kind % KINDS, 0.25);
    }

    @ParameterizedTest
    @EnumSource(
            value = Precision.class,
            names = {"TF32", "BF16", "BF16_PURE"})
    void whicheverPartComesLastEndsTheLayer(Precision precision) {
        try (OnDevice on = new OnDevice(precision)) {
            assertBothOrders(on, 8, new ShardWidths(264, 264, 0, 1), new ShardWidths(208, 203, 0, 1), 8, 0);
            assertBothOrders(on, 8, new ShardWidths(1024, 1023, 0, 1), new ShardWidths(24, 20, 0, 1), 24, 1);
            assertBothOrders(on, 16, new ShardWidths(16, 12, 1, 3), new ShardWidths(136, 129, 2, 3), 8, 3);
            assertBothOrders(on, 16, new ShardWidths(4104, 4101, 1, 3), new ShardWidths(128, 128, 0, 3), 8, 2);
            assertBothOrders(on, 24, new ShardWidths(72, 69, 3, 4), new ShardWidths(72, 64, 1, 4), 40, 4);
            assertBothOrders(on, 32, new ShardWidths(520, 514, 1, 3), new ShardWidths(48, 41, 0, 3), 72, 5);
            // more outputs than all blocks have at a time
            assertBothOrders(on, 32, new ShardWidths(136, 136, 0, 1), new ShardWidths(17_000, 16_999, 0, 1), 8, 1);
            assertBothOrders(on, 8, new ShardWidths(16, 12, 1, 4), new ShardWidths(5000, 4994, 2, 4), 8, 1);
        }
    }

    private static void assertBothOrders(OnDevice on, int batch, ShardWidths in, ShardWidths out, int k, int kind) {
        FewSamples kernels = on.kernels.fewSamples();
        PhantomLayerCase layer = new PhantomLayerCase(on, batch, in, out, k, activation(kind));
        double[] expected = layer.activations();
        FewSamples.Parts parts = new FewSamples.Parts(
                on.roomForReals((int) kernels.partReals(batch, out.length())),
                on.zeros(Integer.BYTES * FewSamples.counters(out.length())));
        long x = on.factors(OnDevice.transposed(layer.x, batch, layer.in.length()));
        long weights = on.factors(layer.weights);
        long decompressors = on.factors(layer.decompressors);
        Neurons neurons = layer.neurons();
        PhantomKernels.Images images = layer.images();
        // the counters are those that the pass before has left
        for (boolean phantomFirst : new boolean[] {true, false, false, true}) {
            TwoOrders to = layer.out.room();
            long exact = on.roomForReals(layer.out.count());
            FewSamples.End end = new FewSamples.End(parts, in, neurons, to, exact);
            if (phantomFirst) {
                kernels.phantomPart(on.stream, images, decompressors, end);
            }
            kernels.localPart(on.stream, x, weights, end);
            if (!phantomFirst) {
                kernels.phantomPart(on.stream, images, decompressors, end);
            }
            layer.assertActivations(expected, to, exact, layer + (phantomFirst ? "" : ", local part first"));
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Precision.class,
            names = {"TF32", "BF16", "BF16_PURE"})
    void forward(Precision precision) {
        try (OnDevice on = new OnDevice(precision)) {
            int kind = 0;
            for (ShardWidths widths : Sharded.LAYOUTS) {
                for (int batch : BATCHES) {
                    int k = WIDTHS[kind % WIDTHS.length];
                    ShardWidths in = new ShardWidths(8, 8, 0, widths.shards());
                    PhantomLayerCase layer = new PhantomLayerCase(on, batch, in, widths, k, activation(kind++));
                    TwoOrders to = layer.out.room();
                    long exact = on.roomForReals(layer.out.count());
                    long z = on.reals(layer.local());
                    long decompressors = on.factors(layer.decompressors);
                    PhantomKernels phantom = on.kernels.phantom();
                    phantom.forward(on.stream, z, layer.images(), decompressors, layer.neurons(), to, exact);
                    layer.assertActivations(layer.activations(), to, exact, layer.toString());
                    phantom.forward(on.stream, z, layer.images(), decompressors, layer.neurons(), TwoOrders.NOWHERE, 0);
                    on.finish();
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Precision.class,
            names = {"TF32", "BF16", "BF16_PURE"})
    void backward(Precision precision) {
        try (OnDevice on = new OnDevice(precision)) {
            BiasParts parts = on.biasParts(3 * 136);
            int kind = 0;
            for (ShardWidths widths : Sharded.LAYOUTS) {
                for (int batch : BATCHES) {
                    int k = WIDTHS[kind % WIDTHS.length];
                    assertBackward(new Sharded(on, widths, batch), k, activation(kind++), parts);
                }
            }
        }
    }

    private static void assertBackward(Sharded layer, int k, ElementwiseActivation activation, BiasParts parts) {
        OnDevice on = layer.on();
        Random random = new Random(layer.count() + k);
        double[] dy = layer.values(random);
        double[] y = layer.values(random);
        double[] bias = layer.bias(random);
        double[] gradients =
                OnDevice.numbers(random, layer.batch() * k * layer.widths().shards());
        double[] compressors = compressors(layer, k, random);
        double[] delta = layer.delta(withImages(layer, dy, gradients, compressors, k), y, activation);
        StepControls controls = on.begun(layer.batch(), RATE);
        for (boolean gradient : new boolean[] {false, true}) {
            Parameter own = on.parameter(bias, gradient);
            TwoOrders to = layer.room();
            on.kernels
                    .phantom()
                    .backward(
                            on.stream,
                            controls,
                            parts,
                            on.reals(dy),
                            on.factors(gradients),
                            on.factors(compressors),
                            k,
                            on.factors(y),
                            new Neurons(own, activation, layer.batch(), layer.widths()),
                            to);
            String what = "batch " + layer.batch() + ", k " + k + ", " + activation + ", " + layer.widths();
            layer.assertOrders(delta, to, what);
            layer.assertBias(bias, own, delta, 1, RATE, what);
        }
    }

    /** C of each shard, [stride, k] column-major: zero between shards. */
    private static double[] compressors(Sharded layer, int k, Random random) {
        int stride = layer.widths().stride();
        double[] compressors = OnDevice.numbers(random, layer.length() * k);
        for (int i = 0; i < compressors.length; i++) {
            int shard = i / (stride * k);
            if (!layer.isNeuron(shard * stride + i % stride)) {
                compressors[i] = 0;
            }
        }
        return compressors;
    }

    /** dy + h Cᵀ. */
    private static double[] withImages(Sharded layer, double[] dy, double[] gradients, double[] compressors, int k) {
        int batch = layer.batch();
        int stride = layer.widths().stride();
        double[] sums = dy.clone();
        for (int place = 0; place < layer.length(); place++) {
            int shard = place / stride;
            for (int i = 0; i < k; i++) {
                double weight = compressors[(shard * k + i) * stride + place % stride];
                for (int b = 0; b < batch; b++) {
                    sums[place * batch + b] += gradients[(shard * k + i) * batch + b] * weight;
                }
            }
        }
        return sums;
    }
}
