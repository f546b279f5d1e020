package org.phantom4j.layers.matrix;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.function.Consumer;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.distribution.NormalDistribution;
import org.deeplearning4j.nn.conf.dropout.AlphaDropout;
import org.deeplearning4j.nn.conf.dropout.Dropout;
import org.deeplearning4j.nn.conf.dropout.GaussianDropout;
import org.deeplearning4j.nn.conf.dropout.GaussianNoise;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.weightnoise.DropConnect;
import org.deeplearning4j.nn.conf.weightnoise.WeightNoise;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.phantom4j.layers.PhantomDenseLayer;
import org.phantom4j.layers.TensorParallelDenseLayer;

/**
 * What chance does to inputs and weights, beside a dense layer: of 8192 values the mean and the spread, and that shards draw
 * their own. A layer whose weights are the identity shows its inputs after dropout; inputs that are, its weights after noise.
 */
class ChanceTest {

    private static final int WIDTH = 64;
    private static final int SHARDS = 4;

    static Stream<Named<Consumer<NeuralNetConfiguration.Builder>>> settings() {
        return Stream.of(
                Named.of("dropout", b -> b.dropOut(new Dropout(0.7))),
                Named.of("Gaussian dropout", b -> b.dropOut(new GaussianDropout(0.2))),
                Named.of("alpha dropout", b -> b.dropOut(new AlphaDropout(0.8))),
                Named.of("Gaussian noise", b -> b.dropOut(new GaussianNoise(0.5))),
                Named.of("DropConnect", b -> b.weightNoise(new DropConnect(0.6))),
                Named.of("noise added", b -> b.weightNoise(new WeightNoise(new NormalDistribution(0.1, 0.3)))),
                Named.of(
                        "noise multiplied",
                        b -> b.weightNoise(new WeightNoise(new NormalDistribution(1, 0.3), false, false))));
    }

    private static MultiLayerNetwork network(Layer layer, Consumer<NeuralNetConfiguration.Builder> setting) {
        NeuralNetConfiguration.Builder defaults =
                new NeuralNetConfiguration.Builder().seed(8).dataType(DataType.DOUBLE);
        defaults.activation(Activation.IDENTITY);
        setting.accept(defaults);
        MultiLayerNetwork network = new MultiLayerNetwork(defaults.list()
                .layer(layer)
                .layer(new OutputLayer.Builder(LossFunction.MSE)
                        .nOut(2)
                        .activation(Activation.IDENTITY)
                        .build())
                .setInputType(InputType.feedForward(WIDTH))
                .build());
        network.init();
        return network;
    }

    /** The layer's outputs in two steps of training, one above the other: 128 × 64. */
    private static INDArray outputs(MultiLayerNetwork network, INDArray weights, INDArray inputs) {
        network.getLayer(0).paramTable().forEach((key, value) -> {
            switch (key.charAt(0)) {
                case 'W' -> value.assign(columns(weights, key, value));
                case 'L' -> value.assign(weights);
                default -> value.assign(0);
            }
        });
        Nd4j.getRandom().setSeed(21);
        INDArray once = network.feedForward(inputs.dup(), true).get(1).dup();
        INDArray again = network.feedForward(inputs.dup(), true).get(1).dup();
        assertTrue(once.distance2(again) > 1, "each step draws other numbers");
        return Nd4j.vstack(once, again);
    }

    private static INDArray columns(INDArray weights, String key, INDArray value) {
        if (key.length() == 1) {
            return weights;
        }
        long width = value.size(1);
        long start = Long.parseLong(key.substring(1)) * width;
        return weights.get(
                org.nd4j.linalg.indexing.NDArrayIndex.all(),
                org.nd4j.linalg.indexing.NDArrayIndex.interval(start, start + width));
    }

    @ParameterizedTest
    @MethodSource("settings")
    void meanAndSpreadAreThoseOfADenseLayer(Consumer<NeuralNetConfiguration.Builder> setting) {
        INDArray ones = Nd4j.ones(DataType.DOUBLE, WIDTH, WIDTH);
        INDArray identity = Nd4j.eye(WIDTH).castTo(DataType.DOUBLE);
        boolean ofWeights = network(new DenseLayer.Builder().nOut(WIDTH).build(), setting)
                        .getLayer(0)
                        .conf()
                        .getLayer()
                        .getIDropout()
                == null;
        INDArray weights = ofWeights ? ones : identity;
        INDArray inputs = ofWeights ? identity : ones;
        INDArray dense = outputs(network(new DenseLayer.Builder().nOut(WIDTH).build(), setting), weights, inputs);
        Layer[] sharded = {
            new TensorParallelDenseLayer.Builder().nOut(WIDTH).shards(SHARDS).build(),
            new PhantomDenseLayer.Builder()
                    .nOut(WIDTH)
                    .shards(1)
                    .phantomWidth(1)
                    .build()
        };
        for (Layer layer : sharded) {
            INDArray outputs = outputs(network(layer, setting), weights, inputs);
            double spread = dense.stdNumber().doubleValue();
            assertEquals(
                    dense.meanNumber().doubleValue(),
                    outputs.meanNumber().doubleValue(),
                    6 * spread / Math.sqrt((double) dense.length()),
                    "mean of " + layer);
            assertEquals(spread, outputs.stdNumber().doubleValue(), 0.08 * spread, "spread of " + layer);
            int block = WIDTH / SHARDS;
            INDArray first = outputs.getColumns(0, 1, 2).dup();
            INDArray second = outputs.getColumns(block, block + 1, block + 2).dup();
            assertTrue(first.distance2(second) > 0.1 * spread, "shards draw their own numbers in " + layer);
        }
    }
}
