package org.phantom4j.ops;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.phantom4j.ops.RandomLayer.difference;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.comm.LocalRanks;
import org.phantom4j.ops.RandomLayer.Layout;

class PhantomDenseTest {

    /** Every parameter enters the outputs linearly: central differences are exact but for rounding. */
    private static final double STEP = 0.5;

    @ParameterizedTest
    @CsvSource({
        "8, 8, 4, 2, 3, C", "7, 9, 3, 1, 2, F", "9, 7, 4, 5, 1, STRIDED", "5, 6, 1, 2, 3, C", "4, 4, 4, 3, 2, F",
        "6, 5, 2, 8, 4, STRIDED", "3, 11, 3, 2, 1, C", "11, 3, 3, 2, 2, F", "1, 1, 1, 1, 1, F", "5, 5, 2, 1, 3, C"
    })
    void gradientsAreFiniteDifferences(long nIn, long nOut, int p, long k, long batch, Layout layout) {
        PhantomGeometry geometry = new PhantomGeometry(nIn, nOut, p, k);
        RandomLayer layer = new RandomLayer(geometry, batch, layout, DataType.DOUBLE, nIn * 100 + nOut);
        INDArray gathered = forward(layer)[1];
        INDArray[] gradients =
                Nd4j.exec(new PhantomDenseBp(geometry, layer.backwardInputs(layer.all(), gathered), null, true));

        List<INDArray> variables = new ArrayList<>(List.of(layer.x));
        variables.addAll(layer.parameters(layer.all()));
        assertEquals(variables.size(), gradients.length);
        for (int i = 0; i < gradients.length; i++) {
            INDArray expected = finiteDifferences(layer, variables.get(i));
            assertTrue(difference(expected, gradients[i]) < 1e-11, "gradient " + i + " of " + geometry);
        }
    }

    /** Of the sum of z ∘ δ. */
    private static INDArray finiteDifferences(RandomLayer layer, INDArray variable) {
        INDArray result = Nd4j.create(DataType.DOUBLE, variable.shape());
        INDArray matrix = variable.rank() == 2 ? variable : variable.reshape(1, variable.length());
        for (long i = 0; i < matrix.size(0); i++) {
            for (long j = 0; j < matrix.size(1); j++) {
                double value = matrix.getDouble(i, j);
                matrix.putScalar(i, j, value + STEP);
                double plus = forward(layer)[0].muli(layer.delta).sumNumber().doubleValue();
                matrix.putScalar(i, j, value - STEP);
                double minus = forward(layer)[0].muli(layer.delta).sumNumber().doubleValue();
                matrix.putScalar(i, j, value);
                result.putScalar(i * matrix.size(1) + j, (plus - minus) / (2 * STEP));
            }
        }
        return result;
    }

    private static INDArray[] forward(RandomLayer layer) {
        return Nd4j.exec(new PhantomDense(layer.geometry, layer.forwardInputs(layer.all()), null));
    }

    @ParameterizedTest
    @EnumSource(Layout.class)
    void isADenseLayerWithLowRankBlocks(Layout layout) {
        for (PhantomGeometry geometry : List.of(
                new PhantomGeometry(13, 10, 4, 2), new PhantomGeometry(6, 7, 1, 3), new PhantomGeometry(5, 5, 5, 9))) {
            RandomLayer layer = new RandomLayer(geometry, 6, layout, DataType.DOUBLE, 7);
            INDArray expected = layer.x.mmul(layer.denseMatrix()).addRowVector(layer.bias());
            assertTrue(difference(expected, forward(layer)[0]) < 1e-12, geometry.toString());
        }
    }

    @Test
    void outputsMayLieAnyhowAndAreReturned() {
        PhantomGeometry geometry = new PhantomGeometry(13, 10, 4, 2);
        RandomLayer layer = new RandomLayer(geometry, 3, Layout.F, DataType.FLOAT, 8);
        INDArray[] expected = forward(layer);
        INDArray[] expectedGradients =
                Nd4j.exec(new PhantomDenseBp(geometry, layer.backwardInputs(layer.all(), expected[1]), null, true));
        for (Layout layout : Layout.values()) {
            INDArray[] outputs = like(layer, layout, expected);
            INDArray[] results = Nd4j.exec(new PhantomDense(geometry, layer.forwardInputs(layer.all()), outputs));
            for (int i = 0; i < outputs.length; i++) {
                assertSame(outputs[i], results[i]);
                assertTrue(difference(expected[i], outputs[i]) < 1e-5, "output " + i + " in " + layout);
            }
            INDArray[] gradients = like(layer, layout, expectedGradients);
            Nd4j.exec(new PhantomDenseBp(geometry, layer.backwardInputs(layer.all(), outputs[1]), gradients, true));
            for (int i = 0; i < gradients.length; i++) {
                assertTrue(difference(expectedGradients[i], gradients[i]) < 1e-4, "gradient " + i + " in " + layout);
            }
        }
    }

    /** Arrays of the same shapes, filled with values that must go away. */
    private static INDArray[] like(RandomLayer layer, Layout layout, INDArray[] arrays) {
        return Arrays.stream(arrays)
                .map(a -> a.rank() == 1
                        ? Nd4j.ones(a.dataType(), a.shape())
                        : layer.random(layout, a.dataType(), a.size(0), a.size(1)))
                .toArray(INDArray[]::new);
    }

    @Test
    void withoutTheInputsGradientTheOthersAreTheSame() {
        PhantomGeometry geometry = new PhantomGeometry(9, 10, 3, 2);
        RandomLayer layer = new RandomLayer(geometry, 4, Layout.C, DataType.DOUBLE, 9);
        INDArray[] inputs = layer.backwardInputs(layer.all(), forward(layer)[1]);
        INDArray[] all = Nd4j.exec(new PhantomDenseBp(geometry, inputs, null, true));
        INDArray[] parametersOnly = Nd4j.exec(new PhantomDenseBp(geometry, inputs, null, false));
        assertEquals(all.length - 1, parametersOnly.length);
        for (int i = 0; i < parametersOnly.length; i++) {
            assertEquals(all[i + 1], parametersOnly[i]);
        }
    }

    @ParameterizedTest
    @CsvSource({"13, 10, 6, 2, 3", "4, 4, 4, 7, 1", "9, 20, 3, 1, 2"})
    void everyRankCountComputesTheSame(long nIn, long nOut, int p, long k, long batch) throws Exception {
        PhantomGeometry geometry = new PhantomGeometry(nIn, nOut, p, k);
        RandomLayer layer = new RandomLayer(geometry, batch, Layout.C, DataType.DOUBLE, 10);
        INDArray[] whole = forward(layer);
        INDArray[] gradients =
                Nd4j.exec(new PhantomDenseBp(geometry, layer.backwardInputs(layer.all(), whole[1]), null, true));
        for (int ranks = 2; ranks <= p; ranks++) {
            if (p % ranks != 0) {
                continue;
            }
            int count = ranks;
            List<Double> differences = LocalRanks.run(ranks, Duration.ofMinutes(2), group -> {
                ShardRange own = ShardRange.of(group.rank(), count, p);
                INDArray[] outputs = Nd4j.exec(new PhantomDense(geometry, layer.forwardInputs(own), null));
                INDArray[] ownGradients =
                        Nd4j.exec(new PhantomDenseBp(geometry, layer.backwardInputs(own, outputs[1]), null, true));
                double largest = difference(part(whole[0], geometry.out(), own), outputs[0]);
                largest = Math.max(largest, difference(whole[1], outputs[1]));
                largest = Math.max(largest, difference(part(gradients[0], geometry.in(), own), ownGradients[0]));
                for (int i = 1; i < ownGradients.length; i++) {
                    largest = Math.max(largest, difference(gradients[i + own.first() * 4], ownGradients[i]));
                }
                return largest;
            });
            differences.forEach(each -> assertTrue(each < 1e-11, count + " ranks: " + each));
        }
    }

    private static INDArray part(INDArray whole, Split split, ShardRange own) {
        return Products.columns(whole, split.offset(own.first()), split.width(own));
    }
}
