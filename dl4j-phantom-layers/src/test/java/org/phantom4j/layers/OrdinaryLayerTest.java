package org.phantom4j.layers;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Sharded layers beside the ordinary layers that compute the same function. */
class OrdinaryLayerTest {

    private static MultiLayerNetwork network(Layer... layers) {
        return network(1e-2, layers);
    }

    private static MultiLayerNetwork network(double l2, Layer... layers) {
        NeuralNetConfiguration.Builder defaults =
                Networks.defaults().updater(new Sgd(0.05)).l2(l2);
        MultiLayerNetwork network = new MultiLayerNetwork(Networks.list(defaults, layers));
        network.init();
        return network;
    }

    private static Layer dense(int nOut) {
        return new DenseLayer.Builder().nOut(nOut).build();
    }

    private static Layer output(LossFunction loss, Activation activation) {
        return new OutputLayer.Builder(loss).nOut(3).activation(activation).build();
    }

    /** Trains both; they must agree in scores, scores of examples and outputs at every step. */
    private static void assertSame(MultiLayerNetwork expected, MultiLayerNetwork actual, DataSet data) {
        assertTrue(expected.output(data.getFeatures()).equalsWithEps(actual.output(data.getFeatures()), 1e-10));
        for (int step = 0; step < 3; step++) {
            expected.fit(data.copy());
            actual.fit(data.copy());
            assertEquals(expected.score(), actual.score(), 1e-10, "score of step " + step);
            assertTrue(
                    expected.output(data.getFeatures()).equalsWithEps(actual.output(data.getFeatures()), 1e-10),
                    "outputs after step " + step);
        }
        assertEquals(expected.score(data.copy(), true), actual.score(data.copy(), true), 1e-10);
        assertTrue(
                expected.scoreExamples(data.copy(), true).equalsWithEps(actual.scoreExamples(data.copy(), true), 1e-9));
    }

    private static void copy(MultiLayerNetwork from, MultiLayerNetwork to, String name) {
        to.setParam(name, from.getParam(name).dup());
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 4})
    void aTensorParallelLayerIsADenseLayer(int shards) {
        MultiLayerNetwork sharded =
                network(Networks.tensor(9).shards(shards).build(), output(LossFunction.MCXENT, Activation.SOFTMAX));
        MultiLayerNetwork ordinary = network(dense(9), output(LossFunction.MCXENT, Activation.SOFTMAX));
        List<INDArray> weights = new ArrayList<>();
        List<INDArray> biases = new ArrayList<>();
        for (int j = 0; j < shards; j++) {
            sharded.getParam("0_b" + j)
                    .assign(Nd4j.randn(sharded.getParam("0_b" + j).shape()));
            weights.add(sharded.getParam("0_W" + j));
            biases.add(sharded.getParam("0_b" + j));
        }
        ordinary.setParam("0_W", Nd4j.concat(1, weights.toArray(new INDArray[0])));
        ordinary.setParam("0_b", Nd4j.concat(1, biases.toArray(new INDArray[0])));
        copy(sharded, ordinary, "1_W");
        copy(sharded, ordinary, "1_b");
        assertSame(ordinary, sharded, TrainingRun.data(5, Networks.FEATURES, 3, true));
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 3, 9})
    void aPhantomLayerOfOneShardIsADenseLayer(long phantomWidth) {
        PhantomDenseLayer.Builder builder = Networks.phantom(9, 1).shards(1).phantomWidth(phantomWidth);
        // no L2: the idle compressor's weights would count in its score
        MultiLayerNetwork sharded = network(0, builder.build(), output(LossFunction.MCXENT, Activation.SOFTMAX));
        MultiLayerNetwork ordinary = network(0, dense(9), output(LossFunction.MCXENT, Activation.SOFTMAX));
        ordinary.setParam("0_W", sharded.getParam("0_L0").dup());
        ordinary.setParam("0_b", sharded.getParam("0_b0").dup());
        copy(sharded, ordinary, "1_W");
        copy(sharded, ordinary, "1_b");
        assertSame(ordinary, sharded, TrainingRun.data(5, Networks.FEATURES, 3, true));
    }

    @ParameterizedTest
    @CsvSource({
        "1, MCXENT, SOFTMAX, true",
        "4, MCXENT, SOFTMAX, true",
        "3, XENT, SIGMOID, true",
        "4, MSE, TANH, false",
        "4, HINGE, IDENTITY, true",
        "2, COSINE_PROXIMITY, IDENTITY, true"
    })
    void aShardedOutputLayerIsAnOutputLayer(int shards, LossFunction loss, Activation activation, boolean bias) {
        MultiLayerNetwork sharded = network(
                dense(9),
                new ShardedOutputLayer.Builder(loss)
                        .nOut(3)
                        .shards(shards)
                        .activation(activation)
                        .hasBias(bias)
                        .build());
        MultiLayerNetwork ordinary = network(
                dense(9),
                new OutputLayer.Builder(loss)
                        .nOut(3)
                        .activation(activation)
                        .hasBias(bias)
                        .build());
        INDArray[] weights = new INDArray[shards];
        for (int j = 0; j < shards; j++) {
            weights[j] = sharded.getParam("1_W" + j);
        }
        ordinary.setParam("1_W", Nd4j.concat(0, weights));
        copy(sharded, ordinary, "0_W");
        copy(sharded, ordinary, "0_b");
        assertSame(ordinary, sharded, TrainingRun.data(5, Networks.FEATURES, 3, true));
    }

    @ParameterizedTest
    @EnumSource(
            value = LossFunction.class,
            names = {"MSE", "L2", "MEAN_ABSOLUTE_ERROR", "L1"})
    void aShardedLossLayerIsALossLayer(LossFunction loss) {
        // with any other activation a LossLayer applies it twice to the score in training
        MultiLayerNetwork sharded = network(
                dense(Networks.TARGETS),
                new ShardedLossLayer.Builder(loss).shards(4).build());

        MultiLayerNetwork ordinary = network(
                dense(Networks.TARGETS),
                new LossLayer.Builder(loss).activation(Activation.IDENTITY).build());
        ordinary.setParams(sharded.params().dup());
        assertSame(ordinary, sharded, TrainingRun.data(5, Networks.FEATURES, Networks.TARGETS, false));
    }
}
