package org.phantom4j.ops.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.Random;

/** An output layer's logits and targets, the loss that they should have, and a kernel's. */
final class OutputCase {

    /** Data have columns beside the targets, and rows before the first. */
    private static final int BESIDE = 3;

    private static final int FIRST = 2;

    private final OnDevice on;
    private final int batch;
    private final int rows;
    private final int width;
    private final boolean softmax;
    private final int places;
    private final Random random;
    private final double[] logits;
    private final double[] bias;
    private final double[] targets;

    /** Samples' classes. */
    private final int[] wanted;

    OutputCase(OnDevice on, int batch, int rows, int width, boolean softmax) {
        this.on = on;
        this.batch = batch;
        this.rows = rows;
        this.width = width;
        this.softmax = softmax;
        this.places = (int) ShardWidths.padded(width);
        this.random = new Random(width);
        this.logits = OnDevice.numbers(random, batch * places);
        this.bias = OnDevice.numbers(random, width);
        for (int b = 0; b < batch; b++) {
            // what is beside logits does not matter
            Arrays.fill(logits, b * places + width, (b + 1) * places, Double.NaN);
        }
        this.wanted = random.ints(rows, 0, width).toArray();
        this.targets = new double[(FIRST + rows) * (width + BESIDE)];
        Arrays.fill(targets, Double.NaN);
    }

    private double bias(boolean has, int f) {
        return has ? bias[f] : 0;
    }

    /** Outputs, [batch, width]. */
    private double[] outputs(boolean hasBias) {
        double[] outputs = new double[batch * width];
        for (int b = 0; b < batch; b++) {
            double total = 0;
            for (int f = 0; f < width; f++) {
                double value = logits[b * places + f] + bias(hasBias, f);
                outputs[b * width + f] = softmax ? Math.exp(value) : value;
                total += outputs[b * width + f];
            }
            for (int f = 0; f < width; f++) {
                outputs[b * width + f] /= softmax ? total : 1;
            }
        }
        return outputs;
    }

    /** The data's rows of targets: those of samples one after the other, or the last one first. */
    private StepControls begun(boolean ordered) {
        int[] order = new int[FIRST + rows];
        for (int b = 0; b < rows; b++) {
            int row = FIRST + (ordered ? rows - 1 - b : b);
            order[FIRST + b] = row;
            Arrays.fill(targets, row * (width + BESIDE), row * (width + BESIDE) + width, 0);
            targets[row * (width + BESIDE) + wanted[b]] = 1;
        }
        return on.begun(
                new StepControls.Batch(
                        0, 0, on.reals(targets), width + BESIDE, ordered ? on.ints(order) : 0, FIRST, rows),
                0.5);
    }

    void assertLoss(boolean hasBias, boolean ordered) {
        double[] outputs = outputs(hasBias);
        double unit = (softmax ? 1 : 2.0 / width) / rows;
        double[] delta = new double[batch * places];
        double loss = 0;
        for (int b = 0; b < rows; b++) {
            for (int f = 0; f < width; f++) {
                double difference = outputs[b * width + f] - (f == wanted[b] ? 1 : 0);
                delta[f * batch + b] = difference * unit;
                loss += softmax ? 0 : difference * difference / width / rows;
            }
            loss -= softmax ? Math.log(outputs[b * width + wanted[b]]) / rows : 0;
        }
        String what = (softmax ? "softmax of " : "squared errors of ") + width + ", " + rows + " rows of " + batch;
        long to = on.roomForReals(batch * width);
        long parts = on.room(8L * batch);
        long sum = on.room(8);
        // a width that is not cut
        Sharded expected = new Sharded(on, new ShardWidths(places, width, 0, 1), batch);
        TwoOrders deltas = expected.room();
        Parameter parameter = hasBias ? on.parameter(bias, false) : null;
        on.kernels.outputLoss(
                on.stream,
                begun(ordered),
                new Kernels.OutputLoss(on.reals(logits), parameter, to, deltas, parts, width, softmax),
                batch);
        on.kernels.sumLoss(on.stream, parts, batch, sum);
        assertEquals(loss, on.readDoubles(sum, 1)[0], on.sumBound() * Math.max(1, loss), what);
        OnDevice.assertNear(outputs, on.readReals(to, batch * width), on.sumBound(), what);
        expected.assertOrders(delta, deltas, unit, what);
        double[] actual = on.readFactors(deltas.features(), batch * places);
        for (int i = 0; i < actual.length; i++) {
            if (i % batch >= rows) {
                assertEquals(0, Math.abs(actual[i]), what + ": delta " + i + " is of no row");
            }
        }
    }

    /** Outputs alone, without targets. */
    void assertOutputs() {
        long to = on.roomForReals(batch * width);
        on.kernels.outputLoss(
                on.stream,
                on.begun(rows, 0),
                new Kernels.OutputLoss(
                        on.reals(logits), on.parameter(bias, false), to, TwoOrders.NOWHERE, 0, width, softmax),
                batch);
        OnDevice.assertNear(
                outputs(true), on.readReals(to, batch * width), on.sumBound(), "outputs of " + width + " only");
    }
}
