package org.phantom4j.ops.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Kernels that bring rows from data to layers and back, beside loops on the CPU. Skipped without a GPU. */
@Timeout(300)
class RowKernelsTest {

    private static final int FIRST = 3;

    @ParameterizedTest
    @EnumSource(Precision.class)
    void loading(Precision precision) {
        try (OnDevice on = new OnDevice(precision)) {
            for (ShardWidths widths : Sharded.LAYOUTS) {
                assertLoaded(new Sharded(on, widths, 8), 8, false);
                assertLoaded(new Sharded(on, widths, 40), 33, true);
                assertLoaded(new Sharded(on, widths, 264), 258, false);
                assertLoaded(new Sharded(on, widths, 512), 512, true);
                // places for more samples than a block has, and none there
                assertLoaded(new Sharded(on, widths, 200), 1, true);
            }
        }
    }

    private static void assertLoaded(Sharded layer, int rows, boolean ordered) {
        OnDevice on = layer.on();
        Random random = new Random(rows);
        int width = (int) layer.widths().neurons();
        int pitch = width + 5;
        double[] data = OnDevice.numbers(random, (FIRST + rows) * pitch);
        int[] order = new int[FIRST + rows];
        for (int i = 0; i < order.length; i++) {
            order[i] = random.nextInt(FIRST + rows);
        }
        double[] expected = new double[layer.count()];
        int column = 0;
        for (int place = 0; place < layer.length(); place++) {
            for (int b = 0; b < rows && layer.isNeuron(place); b++) {
                int row = ordered ? order[FIRST + b] : FIRST + b;
                expected[place * layer.batch() + b] = data[row * pitch + column];
            }
            column += layer.isNeuron(place) ? 1 : 0;
        }
        long there = on.reals(data);
        // the other's rows are of other numbers
        long others = on.reals(new double[data.length]);
        for (boolean targets : new boolean[] {false, true}) {
            StepControls controls = on.begun(
                    new StepControls.Batch(
                            targets ? others : there,
                            pitch,
                            targets ? there : others,
                            pitch,
                            ordered ? on.ints(order) : 0,
                            FIRST,
                            rows),
                    0.5);
            String what = rows + " rows, batch " + layer.batch() + (targets ? ", targets, " : ", ") + layer.widths();
            TwoOrders to = layer.room();
            long exact = on.roomForReals(layer.count());
            on.kernels.loadRows(on.stream, controls, targets, to, exact, layer.batch(), layer.widths());
            layer.assertReals(expected, exact, 0, what);
            layer.assertOrders(expected, to, what);
            on.kernels.loadRows(on.stream, controls, targets, TwoOrders.NOWHERE, 0, layer.batch(), layer.widths());
            on.finish();
        }
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void storing(Precision precision) {
        try (OnDevice on = new OnDevice(precision)) {
            for (ShardWidths widths : Sharded.LAYOUTS) {
                for (int batch : new int[] {8, 40, 264}) {
                    assertStored(new Sharded(on, widths, batch));
                }
            }
        }
    }

    /** Another rank's columns are before these, and others are behind them. */
    private static void assertStored(Sharded layer) {
        OnDevice on = layer.on();
        int before = 5;
        int neurons = (int) layer.widths().neurons();
        int width = before + neurons + 2;
        // what is between shards is not stored
        double[] values = layer.numbers(new Random(1), layer.batch(), Double.NaN);
        long to = on.roomForReals(layer.batch() * width);
        on.kernels.storeRows(
                on.stream,
                on.reals(values),
                to + (long) before * on.precision.resultBytes(),
                layer.batch(),
                width,
                layer.widths());
        double[] rows = on.readReals(to, layer.batch() * width);
        for (int b = 0; b < layer.batch(); b++) {
            int column = before;
            for (int place = 0; place < layer.length(); place++) {
                if (layer.isNeuron(place)) {
                    assertEquals(
                            values[place * layer.batch() + b],
                            rows[b * width + column],
                            "sample " + b + ", place " + place + " of " + layer.widths());
                    column++;
                }
            }
            for (int other = 0; other < width; other++) {
                if (other < before || other >= column) {
                    assertTrue(Double.isNaN(rows[b * width + other]), "sample " + b + ", column " + other);
                }
            }
        }
    }
}
