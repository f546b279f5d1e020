package org.phantom4j.ops;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.phantom4j.ops.RandomLayer.difference;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.comm.LocalRanks;
import org.phantom4j.ops.RandomLayer.Layout;

class TensorParallelDenseTest {

    @ParameterizedTest
    @CsvSource({
        "8, 8, 4, 1, 3, C",
        "8, 8, 4, 2, 3, F",
        "13, 10, 4, 4, 2, C",
        "13, 10, 4, 2, 1, STRIDED",
        "7, 5, 3, 3, 4, F",
        "6, 9, 1, 1, 2, STRIDED"
    })
    void isADenseLayerOnEveryRankCount(long nIn, long nOut, int p, int ranks, long batch, Layout layout)
            throws Exception {
        PhantomGeometry geometry = new PhantomGeometry(nIn, nOut, p, 1);
        RandomLayer layer = new RandomLayer(geometry, batch, layout, DataType.DOUBLE, 4);
        INDArray weights = layer.random(layout, DataType.DOUBLE, nIn, nOut);
        INDArray bias = layer.bias();
        INDArray z = layer.x.mmul(weights).addRowVector(bias);
        INDArray dx = layer.delta.mmul(weights.transpose());
        INDArray dWeights = layer.x.transpose().mmul(layer.delta);
        INDArray dBias = layer.delta.sum(0);

        List<Double> differences = LocalRanks.run(ranks, Duration.ofMinutes(2), group -> {
            ShardRange own = ShardRange.of(group.rank(), ranks, p);
            INDArray ownWeights = part(weights, geometry.out(), own);
            INDArray ownBias = part(bias.reshape(1, nOut), geometry.out(), own);
            INDArray[] inputs = {layer.x(own), ownWeights, ownBias};
            INDArray[] outputs = Nd4j.exec(new TensorParallelDense(geometry, inputs, null));
            INDArray[] backward = {outputs[1], layer.delta(own), ownWeights, ownBias};
            INDArray[] gradients = Nd4j.exec(new TensorParallelDenseBp(geometry, backward, null, true));
            INDArray[] parametersOnly = Nd4j.exec(new TensorParallelDenseBp(geometry, backward, null, false));
            assertEquals(List.of(gradients[1], gradients[2]), List.of(parametersOnly));
            return largest(
                    difference(layer.x, outputs[1]),
                    difference(part(z, geometry.out(), own), outputs[0]),
                    difference(part(dx, geometry.in(), own), gradients[0]),
                    difference(part(dWeights, geometry.out(), own), gradients[1]),
                    difference(part(dBias.reshape(1, nOut), geometry.out(), own), gradients[2]));
        });
        differences.forEach(each -> assertTrue(each < 1e-12, "difference " + each));
    }

    private static INDArray part(INDArray whole, Split split, ShardRange own) {
        return Products.columns(whole, split.offset(own.first()), split.width(own));
    }

    private static double largest(double... values) {
        return java.util.Arrays.stream(values).max().orElseThrow();
    }
}
