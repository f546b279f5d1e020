package org.phantom4j.layers;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.phantom4j.comm.LocalRanks;

class RankCountTest {

    /** What a network computed on one rank. */
    private record Run(List<Double> scores, INDArray output, Map<String, INDArray> parameters) {}

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void everyRankCountTrainsTheSameNetwork(boolean planned) throws Exception {
        MultiLayerConfiguration configuration = classifier();
        if (planned) {
            CommunicationPlan.apply(configuration);
        }
        Run one = train(configuration, 1).get(0);
        for (int ranks : new int[] {2, 4}) {
            for (Run run : train(configuration, ranks)) {
                for (int i = 0; i < one.scores.size(); i++) {
                    assertEquals(one.scores.get(i), run.scores.get(i), 1e-9, "score " + i + " on " + ranks + " ranks");
                }
                assertTrue(one.output.equalsWithEps(run.output, 1e-9), "outputs on " + ranks + " ranks");
                run.parameters.forEach((key, value) -> assertTrue(
                        one.parameters.get(key).equalsWithEps(value, 1e-9), key + " on " + ranks + " ranks"));
            }
        }
    }

    @Test
    void aRankHoldsItsOwnShardsOnly() throws Exception {
        MultiLayerConfiguration configuration = classifier();
        List<Run> runs = train(configuration, 4);
        assertTrue(runs.get(1).parameters.containsKey("1_L1"));
        assertTrue(!runs.get(1).parameters.containsKey("1_L0"));
    }

    private static MultiLayerConfiguration classifier() {
        return new NeuralNetConfiguration.Builder()
                .seed(11)
                .dataType(DataType.DOUBLE)
                .updater(new Adam(0.01))
                .l2(1e-3)
                .list()
                .layer(new DenseLayer.Builder()
                        .nOut(10)
                        .activation(Activation.TANH)
                        .build())
                .layer(new PhantomDenseLayer.Builder()
                        .nOut(13)
                        .shards(4)
                        .phantomWidth(2)
                        .activation(Activation.TANH)
                        .dropOut(0.8)
                        .build())
                .layer(new TensorParallelDenseLayer.Builder()
                        .nOut(11)
                        .shards(4)
                        .activation(Activation.TANH)
                        .build())
                .layer(new PhantomDenseLayer.Builder()
                        .nOut(9)
                        .shards(4)
                        .phantomWidth(3)
                        .activation(Activation.TANH)
                        .build())
                .layer(new ShardedOutputLayer.Builder(LossFunction.MCXENT)
                        .nOut(3)
                        .shards(4)
                        .activation(Activation.SOFTMAX)
                        .build())
                .setInputType(InputType.feedForward(6))
                .build();
    }

    private static List<Run> train(MultiLayerConfiguration configuration, int ranks) throws Exception {
        return LocalRanks.run(ranks, Duration.ofSeconds(30), group -> {
            MultiLayerNetwork network = new MultiLayerNetwork(configuration.clone());
            network.init();
            Nd4j.getRandom().setSeed(5);
            INDArray x = Nd4j.rand(DataType.DOUBLE, 7, 6);
            INDArray y = Nd4j.zeros(DataType.DOUBLE, 7, 3);
            for (int i = 0; i < 7; i++) {
                y.putScalar(i, i % 3, 1);
            }
            List<Double> scores = new ArrayList<>();
            for (int step = 0; step < 5; step++) {
                network.fit(new DataSet(x, y));
                scores.add(network.score());
            }
            return new Run(scores, network.output(x), network.paramTable());
        });
    }
}
