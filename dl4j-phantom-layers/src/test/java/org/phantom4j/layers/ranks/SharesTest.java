package org.phantom4j.layers.ranks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.constraint.NonNegativeConstraint;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.util.ModelSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.learning.config.AMSGrad;
import org.nd4j.linalg.learning.config.AdaDelta;
import org.nd4j.linalg.learning.config.AdaGrad;
import org.nd4j.linalg.learning.config.AdaMax;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Nadam;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.learning.config.NoOp;
import org.nd4j.linalg.learning.config.RmsProp;
import org.nd4j.linalg.learning.config.Sgd;
import org.phantom4j.comm.LocalRanks;
import org.phantom4j.layers.train.RankNetwork;

/** A network is gathered and handed out again with all that its training needs, whatever the numbers of ranks. */
class SharesTest {

    private static final int BEFORE = 3;

    @TempDir
    Path folder;

    static Stream<IUpdater> updaters() {
        return Stream.of(
                new Sgd(0.1),
                new NoOp(),
                new Adam(0.01),
                new AdaMax(0.01),
                new Nadam(0.01),
                new AMSGrad(0.01),
                new AdaDelta(),
                new AdaGrad(0.05),
                new Nesterovs(0.05, 0.9),
                new RmsProp(0.01));
    }

    /** Weights have the updater, biases another one: the state lies in many blocks. */
    private static NeuralNetConfiguration.Builder with(IUpdater updater) {
        return Small.defaults().updater(updater).biasUpdater(new Adam(0.02));
    }

    @ParameterizedTest
    @MethodSource("updaters")
    void networksTrainOnAsIfNothingHadHappened(IUpdater updater) throws Exception {
        List<DataSet> batches = Small.batches(BEFORE + 1);
        MultiLayerNetwork one = new MultiLayerNetwork(Small.network(with(updater)));
        one.init();
        batches.subList(0, BEFORE).forEach(one::fit);
        INDArray state = one.getUpdater().getStateViewArray().dup();
        INDArray parameters = one.params().dup();
        one.fit(batches.get(BEFORE));
        for (int ranks : new int[] {2, 4}) {
            MultiLayerNetwork whole = LocalRanks.run(ranks, Small.TIMEOUT, group -> {
                        MultiLayerNetwork network = RankNetwork.create(Small.network(with(updater)));
                        batches.subList(0, BEFORE).forEach(network::fit);
                        return RankNetwork.gather(network);
                    })
                    .get(0);
            assertNear(state, whole.getUpdater().getStateViewArray(), "state on " + ranks);
            assertNear(parameters, whole.params(), "parameters on " + ranks);
            assertEquals(BEFORE, whole.getIterationCount());
            for (int next : ranks == 2 ? new int[] {1, 4} : new int[] {2}) {
                continuesOn(next, whole, one, batches.get(BEFORE));
            }
        }
    }

    private static void continuesOn(int ranks, MultiLayerNetwork whole, MultiLayerNetwork one, DataSet batch)
            throws Exception {
        List<MultiLayerNetwork> networks = LocalRanks.run(ranks, Small.TIMEOUT, group -> {
            MultiLayerNetwork network = RankNetwork.of(whole);
            MultiLayerNetwork again = RankNetwork.gather(network);
            if (again != null) {
                assertEquals(whole.params(), again.params(), "bit for bit");
                assertEquals(
                        whole.getUpdater().getStateViewArray(),
                        again.getUpdater().getStateViewArray(),
                        "bit for bit");
            }
            network.fit(batch);
            return network;
        });
        for (MultiLayerNetwork network : networks) {
            network.paramTable().forEach((key, value) -> assertNear(one.getParam(key), value, key + " on " + ranks));
        }
    }

    private static void assertNear(INDArray expected, INDArray actual, String what) {
        assertTrue(expected.equalsWithEps(actual, 1e-10), () -> what + " differs by " + expected.distance2(actual));
    }

    @Test
    void graphsTrainOnAsIfNothingHadHappened() throws Exception {
        List<DataSet> batches = Small.batches(BEFORE + 1);
        ComputationGraph one = new ComputationGraph(Small.graph(with(new Adam(0.01))));
        one.init();
        batches.subList(0, BEFORE).forEach(one::fit);
        INDArray state = one.getUpdater().getStateViewArray().dup();
        one.fit(batches.get(BEFORE));
        ComputationGraph whole = LocalRanks.run(2, Small.TIMEOUT, group -> {
                    ComputationGraph graph = RankNetwork.create(Small.graph(with(new Adam(0.01))));
                    batches.subList(0, BEFORE).forEach(graph::fit);
                    return RankNetwork.gather(graph);
                })
                .get(0);
        assertNear(state, whole.getUpdater().getStateViewArray(), "state");
        for (int ranks : new int[] {1, 2, 4}) {
            List<Map<String, INDArray>> tables = LocalRanks.run(ranks, Small.TIMEOUT, group -> {
                ComputationGraph graph = RankNetwork.of(whole);
                graph.fit(batches.get(BEFORE));
                return graph.paramTable();
            });
            tables.forEach(table -> table.forEach((key, value) -> assertNear(one.getParam(key), value, key)));
        }
    }

    @Test
    void aWholeNetworkIsWrittenInsideARanksBody() throws Exception {
        File file = folder.resolve("whole.zip").toFile();
        File graphFile = folder.resolve("graph.zip").toFile();
        List<DataSet> batches = Small.batches(BEFORE + 1);
        LocalRanks.run(2, Small.TIMEOUT, group -> {
            MultiLayerNetwork network = RankNetwork.create(Small.network(Small.defaults()));
            ComputationGraph graph = RankNetwork.create(Small.graph(Small.defaults()));
            batches.subList(0, BEFORE).forEach(network::fit);
            batches.subList(0, BEFORE).forEach(graph::fit);
            MultiLayerNetwork whole = RankNetwork.gather(network);
            ComputationGraph wholeGraph = RankNetwork.gather(graph);
            assertEquals(group.rank() == 0, whole != null);
            if (whole != null) {
                ModelSerializer.writeModel(whole, file, true);
                ModelSerializer.writeModel(wholeGraph, graphFile, true);
                // on the rank's thread and on another one, it is an ordinary network
                MultiLayerNetwork clone = whole.clone();
                clone.fit(batches.get(BEFORE));
                assertFalse(clone.params().equals(whole.params()));
                assertEquals(
                        whole.output(batches.get(0).getFeatures()),
                        OtherThread.call(() -> whole.output(batches.get(0).getFeatures())));
                ComputationGraph graphClone = OtherThread.call(wholeGraph::clone);
                assertEquals(wholeGraph.params(), graphClone.params());
            }
            return null;
        });
        MultiLayerNetwork read = ModelSerializer.restoreMultiLayerNetwork(file, true);
        MultiLayerNetwork one = new MultiLayerNetwork(Small.network(Small.defaults()));
        one.init();
        batches.subList(0, BEFORE).forEach(one::fit);
        one.fit(batches.get(BEFORE));
        read.fit(batches.get(BEFORE));
        assertNear(one.params(), read.params(), "the next step");
        ComputationGraph graph = ModelSerializer.restoreComputationGraph(graphFile, true);
        assertEquals(BEFORE, graph.getIterationCount());
        ComputationGraph oneGraph = new ComputationGraph(Small.graph(Small.defaults()));
        oneGraph.init();
        batches.forEach(oneGraph::fit);
        graph.fit(batches.get(BEFORE));
        assertNear(oneGraph.params(), graph.params(), "the graph's next step");
    }

    @Test
    void constraintsHoldAllParametersAfterwards() throws Exception {
        List<DataSet> batches = Small.batches(BEFORE + 1);
        NeuralNetConfiguration.Builder defaults =
                Small.defaults().updater(new Sgd(1)).constrainWeights(new NonNegativeConstraint());
        MultiLayerNetwork one = new MultiLayerNetwork(Small.network(defaults));
        one.init();
        batches.forEach(one::fit);
        MultiLayerNetwork whole = LocalRanks.run(2, Small.TIMEOUT, group -> {
                    // built on the rank, and on it alone
                    MultiLayerNetwork network = RankNetwork.create(Small.network(
                            Small.defaults().updater(new Sgd(1)).constrainWeights(new NonNegativeConstraint())));
                    batches.subList(0, BEFORE).forEach(network::fit);
                    return RankNetwork.gather(network);
                })
                .get(0);
        whole.fit(batches.get(BEFORE));
        assertNear(one.params(), whole.params(), "parameters");
        assertTrue(whole.getParam("1_L3").minNumber().doubleValue() >= 0, "a weight of rank 1's");
    }

    @Test
    void aShareIsNoWholeNetwork() {
        IllegalArgumentException refused = assertThrows(
                IllegalArgumentException.class,
                () -> LocalRanks.run(2, Small.TIMEOUT, group -> {
                    MultiLayerNetwork network = RankNetwork.create(Small.network(Small.defaults()));
                    List<MultiLayerNetwork> shares = SHARES;
                    synchronized (shares) {
                        shares.add(network);
                    }
                    group.barrier();
                    return RankNetwork.of(shares.get(0));
                }));
        assertTrue(refused.getMessage().contains("is it one rank's share? RankNetwork.gather"), refused.getMessage());
    }

    private static final List<MultiLayerNetwork> SHARES = new java.util.ArrayList<>();
}
