package org.phantom4j.layers.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.DoubleConsumer;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.GradientNormalization;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.phantom4j.comm.LocalRanks;
import org.phantom4j.comm.Mesh;
import org.phantom4j.comm.RankContext;
import org.phantom4j.layers.PhantomDenseLayer;
import org.phantom4j.layers.ShardedLossLayer;
import org.phantom4j.layers.ShardedOutputLayer;
import org.phantom4j.layers.TensorParallelDenseLayer;

class DataParallelTest {

    private static final Duration TIMEOUT = Duration.ofMinutes(2);
    private static final int FEATURES = 10;
    private static final int STEPS = 5;
    private static final double TOLERANCE = 1e-11;

    /** What a rank of a replica had at the end. */
    private record Outcome(int replica, List<Double> scores, Map<String, INDArray> parameters, long bytes) {}

    private static NeuralNetConfiguration.Builder defaults() {
        return new NeuralNetConfiguration.Builder()
                .seed(3)
                .dataType(DataType.DOUBLE)
                .updater(new Adam(0.01))
                .activation(Activation.TANH)
                .l2(0.01)
                .gradientNormalization(GradientNormalization.ClipElementWiseAbsoluteValue)
                .gradientNormalizationThreshold(0.05);
    }

    private static MultiLayerConfiguration network(NeuralNetConfiguration.Builder defaults, Layer... layers) {
        NeuralNetConfiguration.ListBuilder list = defaults.list();
        for (Layer layer : layers) {
            list.layer(layer);
        }
        return list.setInputType(InputType.feedForward(FEATURES)).build();
    }

    private static PhantomDenseLayer.Builder phantom(int nOut) {
        return new PhantomDenseLayer.Builder().nOut(nOut).shards(4).phantomWidth(2);
    }

    private static Layer classes() {
        return new ShardedOutputLayer.Builder(LossFunction.MCXENT)
                .nOut(3)
                .shards(4)
                .activation(Activation.SOFTMAX)
                .build();
    }

    /** With parameters of one shard and parameters that every rank has; with scores of all kinds. */
    private static List<MultiLayerConfiguration> networks() {
        return List.of(
                network(
                        defaults(),
                        new DenseLayer.Builder().nOut(7).build(),
                        phantom(9).build(),
                        classes()),
                network(
                        defaults(),
                        phantom(9).build(),
                        new TensorParallelDenseLayer.Builder()
                                .nOut(11)
                                .shards(4)
                                .build(),
                        new ShardedLossLayer.Builder().shards(4).build()));
    }

    /** Batches of 7, 7, 7, 7 and 2 samples, as at the end of an epoch. */
    private static DataSet batch(int step, long outputs) {
        Nd4j.getRandom().setSeed(100 + step);
        int samples = step == STEPS - 1 ? 2 : 7;
        return new DataSet(Nd4j.rand(DataType.DOUBLE, samples, FEATURES), Nd4j.rand(DataType.DOUBLE, samples, outputs));
    }

    /** Both make Deeplearning4j forget what replicas do between the gradient and the step. */
    private static void changeRateAndListeners(int step, DoubleConsumer setRate, Runnable removeListeners) {
        if (step == 1) {
            setRate.accept(0.003);
        } else if (step == 2) {
            setRate.accept(0.005);
            removeListeners.run();
        }
    }

    private static List<Outcome> train(MultiLayerConfiguration configuration, int ranks, int replicas)
            throws Exception {
        return LocalRanks.run(ranks, TIMEOUT, all -> {
            try (Mesh mesh = Mesh.of(all, replicas)) {
                return RankContext.call(mesh.model(), () -> {
                    MultiLayerNetwork network = RankNetwork.create(
                            // clones share their updaters, and with them rates that change
                            MultiLayerConfiguration.fromJson(configuration.toJson()));
                    DataParallel parallel = DataParallel.join(network, mesh.data());
                    long outputs = network.output(Nd4j.zeros(DataType.DOUBLE, 1, FEATURES))
                            .size(1);
                    List<Double> scores = new ArrayList<>();
                    for (int step = 0; step < STEPS; step++) {
                        parallel.fit(batch(step, outputs));
                        scores.add(network.score());
                        changeRateAndListeners(step, network::setLearningRate, () -> network.setListeners());
                    }
                    return new Outcome(mesh.replica(), scores, network.paramTable(), mesh.bytesSent());
                });
            }
        });
    }

    @ParameterizedTest
    @CsvSource({"2, 2", "3, 3", "4, 2", "4, 4", "8, 4"})
    void replicasTakeTheStepsOfOneProcessOnTheWholeBatch(int ranks, int replicas) throws Exception {
        for (MultiLayerConfiguration configuration : networks()) {
            Outcome one = train(configuration, 1, 1).get(0);
            List<Outcome> all = train(configuration, ranks, replicas);
            for (Outcome outcome : all) {
                for (int step = 0; step < STEPS; step++) {
                    assertEquals(one.scores.get(step), outcome.scores.get(step), TOLERANCE, "score " + step);
                }
                outcome.parameters.forEach(
                        (key, value) -> assertTrue(one.parameters.get(key).equalsWithEps(value, TOLERANCE), key));
                assertTrue(outcome.bytes > 0);
            }
            int columns = ranks / replicas;
            for (int rank = 0; rank < ranks; rank++) {
                assertEquals(rank / columns, all.get(rank).replica);
                Map<String, INDArray> first = all.get(rank % columns).parameters;
                all.get(rank).parameters.forEach((key, value) -> assertEquals(first.get(key), value, key));
            }
        }
    }

    @Test
    void aGraphIsAReplicaToo() throws Exception {
        ComputationGraphConfiguration configuration = defaults()
                .graphBuilder()
                .addInputs("in")
                .addLayer("a", phantom(9).build(), "in")
                .addLayer("b", new DenseLayer.Builder().nOut(5).build(), "a")
                .addLayer(
                        "out",
                        new OutputLayer.Builder(LossFunction.MSE)
                                .nOut(3)
                                .activation(Activation.IDENTITY)
                                .build(),
                        "b")
                .setOutputs("out")
                .setInputTypes(InputType.feedForward(FEATURES))
                .build();
        Outcome one = trainGraph(configuration, 1, 1).get(0);
        for (Outcome outcome : trainGraph(configuration, 4, 2)) {
            for (int step = 0; step < STEPS; step++) {
                assertEquals(one.scores.get(step), outcome.scores.get(step), TOLERANCE, "score " + step);
            }
            outcome.parameters.forEach(
                    (key, value) -> assertTrue(one.parameters.get(key).equalsWithEps(value, TOLERANCE), key));
        }
    }

    private static List<Outcome> trainGraph(ComputationGraphConfiguration configuration, int ranks, int replicas)
            throws Exception {
        return LocalRanks.run(ranks, TIMEOUT, all -> {
            try (Mesh mesh = Mesh.of(all, replicas)) {
                return RankContext.call(mesh.model(), () -> {
                    ComputationGraph graph =
                            new ComputationGraph(ComputationGraphConfiguration.fromJson(configuration.toJson()));
                    graph.init();
                    DataParallel parallel = DataParallel.join(graph, mesh.data());
                    List<Double> scores = new ArrayList<>();
                    for (int step = 0; step < STEPS; step++) {
                        parallel.fit(batch(step, 3));
                        scores.add(graph.score());
                        changeRateAndListeners(step, graph::setLearningRate, () -> graph.setListeners());
                    }
                    return new Outcome(mesh.replica(), scores, graph.paramTable(), mesh.bytesSent());
                });
            }
        });
    }

    @Test
    void allStartFromTheParametersOfTheFirst() throws Exception {
        List<INDArray> parameters = LocalRanks.run(3, TIMEOUT, all -> {
            Mesh mesh = Mesh.of(all, 3);
            return RankContext.call(mesh.model(), () -> {
                MultiLayerNetwork network = RankNetwork.create(networks().get(0));
                network.params().addi(all.rank());
                DataParallel.join(network, mesh.data());
                return network.params().dup();
            });
        });
        assertEquals(parameters.get(0), parameters.get(1));
        assertEquals(parameters.get(0), parameters.get(2));
    }

    @Test
    void replicasDropOutOtherInputs() throws Exception {
        MultiLayerConfiguration configuration = network(
                defaults(),
                phantom(64).dropOut(0.5).build(),
                phantom(64).dropOut(0.5).build(),
                classes());
        List<Double> scores = LocalRanks.run(2, TIMEOUT, all -> {
            Mesh mesh = Mesh.of(all, 2);
            return RankContext.call(mesh.model(), () -> {
                MultiLayerNetwork network = RankNetwork.create(configuration);
                DataParallel.join(network, mesh.data());
                network.setInput(Nd4j.ones(DataType.DOUBLE, 1, FEATURES));
                network.setLabels(Nd4j.ones(DataType.DOUBLE, 1, 3));
                network.computeGradientAndScore();
                return network.score();
            });
        });
        assertNotEquals(scores.get(0), scores.get(1));
    }

    @Test
    void refusesWhatWouldNotTrainAsOneProcessDoes() throws Exception {
        MultiLayerConfiguration normalised =
                network(defaults(), phantom(8).build(), new BatchNormalization.Builder().build(), classes());
        MultiLayerConfiguration sums =
                network(defaults().miniBatch(false), phantom(8).build(), classes());
        for (MultiLayerConfiguration configuration : List.of(normalised, sums)) {
            assertThrows(IllegalArgumentException.class, () -> train(configuration, 2, 2));
        }
    }
}
