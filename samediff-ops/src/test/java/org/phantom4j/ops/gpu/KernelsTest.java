package org.phantom4j.ops.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Random;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Kernels of activations and losses, beside loops on the CPU. Skipped without a GPU. */
@Timeout(300)
class KernelsTest {

    private static final double RATE = 0.5;
    private static final int KINDS = 6;

    /** The last one is cut into fewer parts than kernels work on at a time. */
    private static final int[] BATCHES = {8, 40, 264, 512, 2304};

    private static ElementwiseActivation activation(int kind) {
        return new ElementwiseActivation(kind, 0.25);
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void forward(Precision precision) {
        try (OnDevice on = new OnDevice(precision)) {
            for (int i = 0; i < BATCHES.length * KINDS; i++) {
                int batch = BATCHES[i % BATCHES.length];
                ShardWidths widths = Sharded.LAYOUTS.get(i / BATCHES.length % Sharded.LAYOUTS.size());
                assertForward(new Sharded(on, widths, batch), activation(i / BATCHES.length));
            }
        }
    }

    private static void assertForward(Sharded layer, ElementwiseActivation activation) {
        OnDevice on = layer.on();
        Random random = new Random(layer.count());
        // what a product leaves between shards does not matter
        double[] z = layer.numbers(random, layer.batch(), Double.NaN);
        double[] bias = layer.bias(random);
        String what = activation + ", batch " + layer.batch() + ", " + layer.widths();
        TwoOrders to = layer.room();
        long exact = on.roomForReals(layer.count());
        Neurons neurons = new Neurons(on.parameter(bias, false), activation, layer.batch(), layer.widths());
        double[] y = layer.activated(z, bias, activation);
        on.kernels.forwardActivation(on.stream, on.reals(z), neurons, to, exact);
        layer.assertReals(y, exact, on.sumBound(), what);
        layer.assertOrders(y, to, what);
        on.kernels.forwardActivation(on.stream, on.reals(z), neurons, TwoOrders.NOWHERE, 0);
        on.finish();
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void backward(Precision precision) {
        try (OnDevice on = new OnDevice(precision)) {
            BiasParts parts = on.biasParts(3 * 136);
            for (int i = 0; i < BATCHES.length * KINDS; i++) {
                int batch = BATCHES[i % BATCHES.length];
                ShardWidths widths = Sharded.LAYOUTS.get(i / BATCHES.length % Sharded.LAYOUTS.size());
                assertBackward(new Sharded(on, widths, batch), activation(i / BATCHES.length), parts);
            }
        }
    }

    private static void assertBackward(Sharded layer, ElementwiseActivation activation, BiasParts parts) {
        OnDevice on = layer.on();
        Random random = new Random(layer.count() + 1);
        double[] dy = layer.values(random);
        double[] y = layer.values(random);
        double[] bias = layer.bias(random);
        double[] delta = layer.delta(dy, y, activation);
        StepControls controls = on.begun(layer.batch(), RATE);
        for (boolean narrow : new boolean[] {false, true}) {
            String what = activation + ", batch " + layer.batch() + ", " + layer.widths() + (narrow ? ", narrow" : "");
            // its step, and its gradient
            Parameter own = on.parameter(bias, narrow);
            TwoOrders to = layer.room();
            on.kernels.backwardActivation(
                    on.stream,
                    controls,
                    parts,
                    narrow ? on.factors(dy) : on.reals(dy),
                    narrow,
                    on.factors(y),
                    new Neurons(own, activation, layer.batch(), layer.widths()),
                    to);
            layer.assertOrders(delta, to, what);
            layer.assertBias(bias, own, delta, 1, RATE, what);
        }
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void whatIsNoNumberStaysNone(Precision precision) {
        try (OnDevice on = new OnDevice(precision)) {
            Sharded layer = new Sharded(on, Sharded.LAYOUTS.get(1), 72);
            double[] values = layer.values(new Random(1));
            int at = 100;
            values[at] = Double.NaN;
            long exact = on.roomForReals(layer.count());
            Parameter bias = on.parameter(new double[layer.length()], false);
            for (int kind = 0; kind < KINDS; kind++) {
                Neurons neurons = new Neurons(bias, activation(kind), layer.batch(), layer.widths());
                on.kernels.forwardActivation(on.stream, on.reals(values), neurons, TwoOrders.NOWHERE, exact);
                double[] activations = on.readReals(exact, layer.count());
                for (int i = 0; i < activations.length; i++) {
                    assertEquals(i == at, Double.isNaN(activations[i]), "activation " + kind + " of value " + i);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void squaredErrors(Precision precision) {
        try (OnDevice on = new OnDevice(precision)) {
            BiasParts parts = on.biasParts(3 * 136);
            for (ShardWidths widths : Sharded.LAYOUTS) {
                assertSquaredErrors(new Sharded(on, widths, 8), 5, parts);
                assertSquaredErrors(new Sharded(on, widths, 264), 258, parts);
                assertSquaredErrors(new Sharded(on, widths, 512), 512, parts);
            }
        }
    }

    private static void assertSquaredErrors(Sharded layer, int rows, BiasParts room) {
        OnDevice on = layer.on();
        Random random = new Random(layer.count());
        // beyond the rows are activations of nothing, and they have no target
        double[] y = layer.values(random);
        double[] target = layer.values(random);
        double[] bias = layer.bias(random);
        double[] delta = new double[layer.count()];
        // on other ranks, there are as many outputs
        long outputs = 2 * layer.widths().neurons();
        double mean = 1.0 / (rows * outputs);
        double loss = 0;
        for (int i = 0; i < layer.count(); i++) {
            if (i % layer.batch() < rows) {
                loss += mean * (y[i] - target[i]) * (y[i] - target[i]);
                delta[i] = 2 * mean * (y[i] - target[i]);
            }
        }
        String what = "squared errors of " + rows + " rows, batch " + layer.batch() + ", " + layer.widths();
        int parts = on.kernels.lossParts(layer.widths(), layer.batch());
        long partial = on.room(8L * parts);
        long sum = on.room(8);
        // a rate at which the bias's step is seen
        double rate = RATE / mean;
        StepControls controls = on.begun(rows, rate);
        for (boolean gradient : new boolean[] {false, true}) {
            Parameter own = on.parameter(bias, gradient);
            TwoOrders to = layer.room();
            on.kernels.squaredLoss(
                    on.stream,
                    controls,
                    room,
                    new Kernels.SquaredErrors(on.reals(y), on.reals(target), outputs, partial),
                    new Neurons(own, ElementwiseActivation.IDENTITY, layer.batch(), layer.widths()),
                    to);
            on.kernels.sumLoss(on.stream, partial, parts, sum);
            assertEquals(loss, on.readDoubles(sum, 1)[0], on.sumBound() * loss, what);
            layer.assertOrders(delta, to, 2 * mean, what);
            layer.assertBias(bias, own, delta, 2 * mean, rate, what);
        }
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void outputLosses(Precision precision) {
        try (OnDevice on = new OnDevice(precision)) {
            for (int width : new int[] {3, 11, 16, 300}) {
                for (boolean softmax : new boolean[] {true, false}) {
                    OutputCase of = new OutputCase(on, 16, 16 - width % 5, width, softmax);
                    of.assertLoss(true, false);
                    of.assertLoss(false, true);
                    of.assertOutputs();
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void softmaxThatIsSure(Precision precision) {
        try (OnDevice on = new OnDevice(precision)) {
            // right, wrong, and a tie far from zero
            double[] logits = {200, -200, 0, 0, 0, 0, 0, 0, 200, -200, 0, 0, 0, 0, 0, 0, 1000, 1000, 0, 0, 0, 0, 0, 0};
            double[] targets = {1, 0, 0, 1, 1, 0};
            long parts = on.room(8 * 3);
            TwoOrders delta = new TwoOrders(on.roomForFactors(24), on.roomForFactors(24));
            StepControls controls = on.begun(new StepControls.Batch(0, 0, on.reals(targets), 2, 0, 0, 3), RATE);
            on.kernels.outputLoss(
                    on.stream, controls, new Kernels.OutputLoss(on.reals(logits), null, 0, delta, parts, 2, true), 3);
            double[] losses = on.readDoubles(parts, 3);
            assertEquals(-Math.log(1 - 1e-10) / 3, losses[0], on.sumBound(), "right");
            assertEquals(-Math.log(1e-10) / 3, losses[1], 10 * on.sumBound(), "wrong: as if of a probability of 1e-10");
            assertEquals(Math.log(2) / 3, losses[2], on.sumBound(), "a tie");
        }
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void softmaxOfNoNumberHasNoLoss(Precision precision) {
        try (OnDevice on = new OnDevice(precision)) {
            int batch = 8;
            int width = 8;
            double[] logits = OnDevice.numbers(new Random(1), batch * width);
            logits[3 * width + 5] = Double.NaN;
            double[] targets = new double[batch * width];
            for (int i = 0; i < batch; i++) {
                targets[i * width + i] = 1;
            }
            long parts = on.room(8L * batch);
            TwoOrders delta = new TwoOrders(on.roomForFactors(batch * width), on.roomForFactors(batch * width));
            StepControls controls = on.begun(new StepControls.Batch(0, 0, on.reals(targets), width, 0, 0, batch), RATE);
            on.kernels.outputLoss(
                    on.stream,
                    controls,
                    new Kernels.OutputLoss(on.reals(logits), null, 0, delta, parts, width, true),
                    batch);
            double[] losses = on.readDoubles(parts, batch);
            for (int b = 0; b < batch; b++) {
                assertEquals(b == 3, Double.isNaN(losses[b]), "loss of sample " + b);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void biasSteps(Precision precision) {
        try (OnDevice on = new OnDevice(precision)) {
            int width = 37;
            for (int batch : new int[] {8, 72}) {
                // outputs have more places than biases
                Sharded places = new Sharded(on, new ShardWidths(40, width, 0, 1), batch);
                Random random = new Random(batch);
                double[] delta = places.values(random);
                double[] bias = places.bias(random);
                for (boolean gradient : new boolean[] {false, true}) {
                    Parameter own = on.parameter(bias, gradient);
                    on.kernels.biasStep(on.stream, on.begun(batch, RATE), on.factors(delta), own, batch, width);
                    places.assertBias(bias, own, delta, 1, RATE, "bias of " + batch);
                }
            }
        }
    }
}
