package org.phantom4j.layers;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.weights.WeightInit;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Activations of a deep network, as it is initialised, neither vanish nor explode: as those of an ordinary one. */
class InitialVarianceTest {

    private static final int WIDTH = 256;
    private static final int LAYERS = 8;

    @ParameterizedTest
    @CsvSource({
        "XAVIER, IDENTITY, 4, 8",
        "XAVIER, IDENTITY, 8, 1",
        "XAVIER, IDENTITY, 2, 100",
        "RELU, RELU, 4, 8",
        "RELU, RELU, 8, 16",
        "RELU, RELU, 1, 4"
    })
    void meanSquareOfADeepNetworkStaysThatOfADenseOne(WeightInit init, Activation activation, int shards, int width) {
        double dense = meanSquare(
                init, activation, new DenseLayer.Builder().nOut(WIDTH).build());
        double phantom = meanSquare(
                init,
                activation,
                new PhantomDenseLayer.Builder()
                        .nOut(WIDTH)
                        .shards(shards)
                        .phantomWidth(width)
                        .build());
        double ratio = phantom / dense;
        // of eight layers together: a factor of 2 a layer would be 256
        assertTrue(ratio > 0.2 && ratio < 5, "mean square " + phantom + " after a dense network's " + dense);
    }

    /** Of the last layer's outputs; inputs have a mean square of 1. */
    private static double meanSquare(WeightInit init, Activation activation, Layer layer) {
        NeuralNetConfiguration.Builder defaults = new NeuralNetConfiguration.Builder()
                .seed(3)
                .dataType(DataType.DOUBLE)
                .weightInit(init)
                .activation(activation);
        NeuralNetConfiguration.ListBuilder list = defaults.list();
        for (int i = 0; i < LAYERS; i++) {
            list.layer(layer.clone());
        }
        MultiLayerNetwork network = new MultiLayerNetwork(
                list.setInputType(InputType.feedForward(WIDTH)).build());
        network.init();
        INDArray input = Nd4j.randn(DataType.DOUBLE, 200, WIDTH);
        List<INDArray> activations = network.feedForward(input);
        INDArray last = activations.get(activations.size() - 1);
        return last.mul(last).meanNumber().doubleValue();
    }
}
