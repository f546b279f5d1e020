package org.phantom4j.ops.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Activations, losses and loading, beside loops on the CPU. Skipped without a GPU. */
@Timeout(300)
class KernelsTest {

    private static final double RATE = 0.5;
    private static final int WIDTH = 37;

    @ParameterizedTest
    @EnumSource(Precision.class)
    void activations(Precision precision) {
        try (OnDevice on = new OnDevice(precision)) {
            for (int kind = 0; kind < 6; kind++) {
                for (int batch : new int[] {1, 70, 300}) {
                    assertActivation(on, new ElementwiseActivation(kind, 0.25), batch);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void whatIsNoNumberStaysNone(Precision precision) {
        try (OnDevice on = new OnDevice(precision)) {
            int batch = 70;
            int count = batch * WIDTH;
            double[] values = OnDevice.numbers(new Random(1), count);
            values[100] = Double.NaN;
            long exact = on.roomForReals(count);
            Parameter bias = on.parameter(new double[WIDTH], false);
            for (int kind = 0; kind < 6; kind++) {
                Neurons neurons = new Neurons(bias, new ElementwiseActivation(kind, 0.25), batch, WIDTH);
                on.kernels.forwardActivation(on.stream, on.reals(values), neurons, TwoOrders.NOWHERE, exact);
                double[] activations = on.readReals(exact, count);
                for (int i = 0; i < count; i++) {
                    assertEquals(i == 100, Double.isNaN(activations[i]), "activation " + kind + " of value " + i);
                }
            }
            double[] target = new double[count];
            Arrays.fill(target, 1.0 / WIDTH);
            long parts = on.room(8L * batch);
            on.kernels.outputLoss(
                    on.stream,
                    on.reals(values),
                    bias,
                    on.reals(target),
                    exact,
                    on.roomForBothOrders(count),
                    parts,
                    batch,
                    WIDTH,
                    true);
            double[] losses = on.readDoubles(parts, batch);
            for (int b = 0; b < batch; b++) {
                assertEquals(b == 100 / WIDTH, Double.isNaN(losses[b]), "softmax's loss of sample " + b);
            }
        }
    }

    private static void assertActivation(OnDevice on, ElementwiseActivation activation, int batch) {
        Random random = new Random(batch);
        int count = batch * WIDTH;
        double[] z = OnDevice.numbers(random, count);
        double[] bias = OnDevice.numbers(random, WIDTH);
        double[] y = new double[count];
        for (int i = 0; i < count; i++) {
            y[i] = Expected.activated(z[i] + bias[i / batch], activation);
        }
        String what = "activation " + activation.kind() + ", batch " + batch;
        Parameter parameter = on.parameter(bias, false);
        TwoOrders to = on.roomForBothOrders(count);
        long exact = on.roomForReals(count);
        Neurons neurons = new Neurons(parameter, activation, batch, WIDTH);
        on.kernels.forwardActivation(on.stream, on.reals(z), neurons, to, exact);
        OnDevice.assertNear(y, on.readReals(exact, count), on.sumBound(), what);
        on.assertOrders(y, to, batch, what);
        on.kernels.forwardActivation(on.stream, on.reals(z), neurons, TwoOrders.NOWHERE, 0);

        double[] dy = OnDevice.numbers(random, count);
        double[] values = OnDevice.numbers(random, count);
        double[] delta = new double[count];
        for (int i = 0; i < count; i++) {
            delta[i] = dy[i] * Expected.derivative(values[i], activation);
        }
        for (boolean narrow : new boolean[] {false, true}) {
            Parameter own = on.parameter(bias, narrow);
            on.kernels.backwardActivation(
                    on.stream,
                    narrow ? on.factors(dy) : on.reals(dy),
                    narrow,
                    on.factors(values),
                    new Neurons(own, activation, batch, WIDTH),
                    to,
                    RATE);
            on.assertOrders(delta, to, batch, what + ", delta");
            Expected.assertBias(on, bias, own, delta, RATE, what);
        }
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void squaredErrors(Precision precision) {
        try (OnDevice on = new OnDevice(precision)) {
            int batch = 70;
            int count = batch * WIDTH;
            Random random = new Random(1);
            double[] y = OnDevice.numbers(random, count);
            double[] target = OnDevice.numbers(random, count);
            double[] bias = OnDevice.numbers(random, WIDTH);
            double[] delta = new double[count];
            double loss = 0;
            for (int i = 0; i < count; i++) {
                loss += 0.5 * (y[i] - target[i]) * (y[i] - target[i]);
                delta[i] = 0.25 * (y[i] - target[i]);
            }
            int parts = Kernels.lossParts(WIDTH);
            long partial = on.room(8L * parts);
            long sum = on.room(8);
            Parameter own = on.parameter(bias, false);
            TwoOrders to = on.roomForBothOrders(count);
            on.kernels.squaredLoss(
                    on.stream,
                    new Kernels.SquaredErrors(on.reals(y), on.reals(target), 0.5, 0.25, partial),
                    new Neurons(own, ElementwiseActivation.IDENTITY, batch, WIDTH),
                    to,
                    RATE);
            on.kernels.sumLoss(on.stream, partial, parts, sum);
            assertEquals(loss, on.readDoubles(sum, 1)[0], 1e-12 * loss);
            on.assertOrders(delta, to, batch, "delta");
            Expected.assertBias(on, bias, own, delta, RATE, "squared errors");
        }
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void outputLosses(Precision precision) {
        try (OnDevice on = new OnDevice(precision)) {
            for (int width : new int[] {11, 300}) {
                for (boolean softmax : new boolean[] {true, false}) {
                    assertOutputLoss(on, 9, width, softmax);
                }
            }
        }
    }

    private static void assertOutputLoss(OnDevice on, int batch, int width, boolean softmax) {
        Random random = new Random(width);
        int count = batch * width;
        double[] logits = OnDevice.numbers(random, count);
        double[] bias = OnDevice.numbers(random, width);
        double[] target = new double[count];
        double[] outputs = new double[count];
        double[] delta = new double[count];
        double loss = 0;
        for (int b = 0; b < batch; b++) {
            target[random.nextInt(width) * batch + b] = 1;
            double total = 0;
            for (int f = 0; f < width; f++) {
                double value = logits[b * width + f] + bias[f];
                outputs[b * width + f] = softmax ? Math.exp(value) : value;
                total += outputs[b * width + f];
            }
            for (int f = 0; f < width; f++) {
                outputs[b * width + f] /= softmax ? total : 1;
                double difference = outputs[b * width + f] - target[f * batch + b];
                delta[f * batch + b] = difference / batch * (softmax ? 1 : 2.0 / width);
                loss += softmax
                        ? -target[f * batch + b] * Math.log(outputs[b * width + f]) / batch
                        : difference * difference / width / batch;
            }
        }
        String what = (softmax ? "softmax of " : "squared errors of ") + width;
        long to = on.roomForReals(count);
        long parts = on.room(8L * batch);
        long sum = on.room(8);
        TwoOrders deltas = on.roomForBothOrders(count);
        Parameter parameter = on.parameter(bias, false);
        on.kernels.outputLoss(
                on.stream, on.reals(logits), parameter, on.reals(target), to, deltas, parts, batch, width, softmax);
        on.kernels.sumLoss(on.stream, parts, batch, sum);
        assertEquals(loss, on.readDoubles(sum, 1)[0], Math.max(1e-12, on.sumBound()) * Math.max(1, loss), what);
        OnDevice.assertNear(outputs, on.readReals(to, count), on.sumBound(), what);
        on.assertOrders(delta, deltas, batch, what);

        long again = on.roomForReals(count);
        on.kernels.outputLoss(
                on.stream, on.reals(logits), parameter, 0, again, TwoOrders.NOWHERE, 0, batch, width, softmax);
        OnDevice.assertNear(outputs, on.readReals(again, count), on.sumBound(), what + ", outputs only");
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void biasSteps(Precision precision) {
        try (OnDevice on = new OnDevice(precision)) {
            Random random = new Random(1);
            double[] delta = OnDevice.numbers(random, 70 * WIDTH);
            double[] bias = OnDevice.numbers(random, WIDTH);
            for (boolean gradient : new boolean[] {false, true}) {
                Parameter own = on.parameter(bias, gradient);
                on.kernels.biasStep(on.stream, on.factors(delta), own, RATE, 70, WIDTH);
                Expected.assertBias(on, bias, own, delta, RATE, "bias");
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void loading(Precision precision) {
        try (OnDevice on = new OnDevice(precision)) {
            int batch = 70;
            int pitch = WIDTH + 5;
            double[] rows = OnDevice.numbers(new Random(1), batch * pitch);
            double[] features = new double[batch * WIDTH];
            for (int i = 0; i < features.length; i++) {
                features[i] = rows[i % batch * pitch + i / batch];
            }
            TwoOrders to = on.roomForBothOrders(features.length);
            long exact = on.roomForReals(features.length);
            on.kernels.loadColumns(on.stream, on.reals(rows), pitch, to, exact, batch, WIDTH);
            OnDevice.assertNear(features, on.readReals(exact, features.length), 0, "exact");
            on.assertOrders(features, to, batch, "loaded");
        }
    }
}
