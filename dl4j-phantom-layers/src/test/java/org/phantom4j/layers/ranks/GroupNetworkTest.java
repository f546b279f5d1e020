package org.phantom4j.layers.ranks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.earlystopping.EarlyStoppingConfiguration;
import org.deeplearning4j.earlystopping.EarlyStoppingResult;
import org.deeplearning4j.earlystopping.saver.InMemoryModelSaver;
import org.deeplearning4j.earlystopping.saver.LocalFileModelSaver;
import org.deeplearning4j.earlystopping.scorecalc.DataSetLossCalculator;
import org.deeplearning4j.earlystopping.termination.IterationTerminationCondition;
import org.deeplearning4j.earlystopping.termination.MaxEpochsTerminationCondition;
import org.deeplearning4j.earlystopping.trainer.EarlyStoppingTrainer;
import org.deeplearning4j.nn.api.OptimizationAlgorithm;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.listeners.CheckpointListener;
import org.deeplearning4j.util.ModelSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.ViewIterator;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.phantom4j.comm.LocalRanks;
import org.phantom4j.comm.Mesh;
import org.phantom4j.comm.RankContext;
import org.phantom4j.layers.CommunicationPlan;
import org.phantom4j.layers.train.DataParallel;
import org.phantom4j.layers.train.RankNetwork;

/** A network of a rank does what the whole one does, or says that it belongs to its rank. */
class GroupNetworkTest {

    private static final List<DataSet> BATCHES = Small.batches(4);

    @TempDir
    Path folder;

    private static MultiLayerNetwork network() {
        return RankNetwork.create(Small.network(Small.defaults()));
    }

    private static ComputationGraph graph() {
        return RankNetwork.create(Small.graph(Small.defaults()));
    }

    private static <T extends Exception> String refusal(Class<T> type, LocalRanks.Body<?> body) {
        Throwable thrown = assertThrows(Exception.class, () -> LocalRanks.run(2, Small.TIMEOUT, body));
        while (!type.isInstance(thrown) && thrown.getCause() != null) {
            // some of Deeplearning4j's listeners wrap what they meet
            thrown = thrown.getCause();
        }
        return assertInstanceOf(type, thrown).getMessage();
    }

    private static void assertNamesTheShare(String message) {
        assertTrue(message.contains("has the shards of rank"), message);
        assertTrue(message.contains("RankNetwork.gather"), message);
    }

    @Test
    void aSharedFileNameOfSharesIsRefusedByEveryWriter() {
        File file = folder.resolve("share.zip").toFile();
        assertNamesTheShare(refusal(IllegalStateException.class, group -> {
            ModelSerializer.writeModel(network(), file, true);
            return null;
        }));
        assertNamesTheShare(refusal(IllegalStateException.class, group -> {
            graph().save(file);
            return null;
        }));
        assertNamesTheShare(refusal(IllegalStateException.class, group -> {
            // what early stopping returns as the best model
            network().clone().save(file);
            return null;
        }));
        assertNamesTheShare(refusal(IllegalStateException.class, group -> {
            MultiLayerNetwork network = network();
            network.setListeners(new CheckpointListener.Builder(folder.toFile())
                    .saveEveryNIterations(2)
                    .build());
            BATCHES.forEach(network::fit);
            return null;
        }));
        assertNamesTheShare(refusal(IllegalStateException.class, group -> {
            new LocalFileModelSaver(folder.toString()).saveBestModel(network(), 0);
            return null;
        }));
        assertNamesTheShare(refusal(IllegalStateException.class, group -> {
            new ObjectOutputStream(new ByteArrayOutputStream()).writeObject(network());
            return null;
        }));
    }

    @Test
    void theFileOfAShareIsRefusedElsewhere() throws Exception {
        // a network that was made without RankNetwork
        LocalRanks.run(2, Small.TIMEOUT, group -> {
            MultiLayerNetwork network = new MultiLayerNetwork(Small.network(Small.defaults()));
            network.init();
            File file = folder.resolve("share-" + group.rank()).toFile();
            ModelSerializer.writeModel(network, file, true);
            // the rank itself may read it
            assertEquals(
                    network.params(),
                    ModelSerializer.restoreMultiLayerNetwork(file, true).params());
            return null;
        });
        String alone = assertThrows(
                        IllegalStateException.class,
                        () -> ModelSerializer.restoreMultiLayerNetwork(
                                folder.resolve("share-1").toFile(), true))
                .getMessage();
        assertTrue(alone.contains("some rank's share") && alone.contains("L2, C2"), alone);
        String other = refusal(
                IllegalStateException.class,
                group -> ModelSerializer.restoreMultiLayerNetwork(
                        folder.resolve("share-" + (1 - group.rank())).toFile(), true));
        assertTrue(other.contains("some rank's share") && other.contains("of 2 has"), other);
    }

    @Test
    void javasSerializationWritesWholeNetworksAsOrdinaryOnes() throws Exception {
        LocalRanks.run(2, Small.TIMEOUT, group -> {
            MultiLayerNetwork whole = RankNetwork.gather(network());
            ComputationGraph wholeGraph = RankNetwork.gather(graph());
            if (group.rank() == 0) {
                MultiLayerNetwork read = (MultiLayerNetwork) RankContext.callAlone(() -> copy(whole));
                assertEquals(MultiLayerNetwork.class, read.getClass());
                assertEquals(whole.params(), read.params());
                assertEquals(
                        wholeGraph.params(),
                        ((ComputationGraph) RankContext.callAlone(() -> copy(wholeGraph))).params());
            }
            return null;
        });
    }

    private static Object copy(Object object) throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(object);
        }
        try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
            return in.readObject();
        }
    }

    @Test
    void clonesBelongToTheRankWhereverTheyAreMade() throws Exception {
        LocalRanks.run(2, Small.TIMEOUT, group -> {
            MultiLayerNetwork network = network();
            network.fit(BATCHES.get(0));
            MultiLayerNetwork clone = OtherThread.call(network::clone);
            ComputationGraph graph = graph();
            graph.fit(BATCHES.get(0));
            ComputationGraph graphClone = OtherThread.call(graph::clone);
            network.fit(BATCHES.get(1));
            clone.fit(BATCHES.get(1));
            graph.fit(BATCHES.get(1));
            graphClone.fit(BATCHES.get(1));
            assertEquals(network.params(), clone.params());
            assertEquals(graph.params(), graphClone.params());
            return null;
        });
    }

    @Test
    void otherThreadsAreNamed() {
        INDArray features = BATCHES.get(0).getFeatures();
        for (LocalRanks.Body<INDArray> body : List.<LocalRanks.Body<INDArray>>of(
                group -> {
                    MultiLayerNetwork network = network();
                    return OtherThread.call(() -> network.output(features));
                },
                group -> {
                    ComputationGraph graph = graph();
                    return OtherThread.call(() -> graph.outputSingle(features));
                },
                group -> {
                    MultiLayerNetwork plain = new MultiLayerNetwork(Small.network(Small.defaults()));
                    plain.init();
                    return OtherThread.call(() -> plain.output(features));
                })) {
            String message = refusal(IllegalStateException.class, body);
            assertTrue(message.contains("thread 'pool-thread' is in no group"), message);
        }
    }

    @Test
    void feedForwardGivesWholeActivations() throws Exception {
        INDArray features = BATCHES.get(0).getFeatures();
        MultiLayerNetwork one = network();
        ComputationGraph oneGraph = graph();
        List<INDArray> expected = one.feedForward(features);
        Map<String, INDArray> expectedGraph = oneGraph.feedForward(features, false);
        double score = one.score(BATCHES.get(0));
        double graphScore = oneGraph.score(BATCHES.get(0));
        for (int ranks : new int[] {2, 4}) {
            LocalRanks.run(ranks, Small.TIMEOUT, group -> {
                MultiLayerNetwork network = network();
                List<INDArray> activations = network.feedForward(features);
                assertEquals(expected.size(), activations.size());
                for (int i = 0; i < expected.size(); i++) {
                    assertTrue(expected.get(i).equalsWithEps(activations.get(i), 1e-12), "layer " + i);
                }
                assertTrue(expected.get(2)
                        .equalsWithEps(network.feedForwardToLayer(1, features).get(2), 1e-12));
                assertTrue(expected.get(2).equalsWithEps(network.activateSelectedLayers(0, 1, features), 1e-12));
                ComputationGraph graph = graph();
                Map<String, INDArray> all = graph.feedForward(features, false);
                assertEquals(expectedGraph.keySet(), all.keySet());
                expectedGraph.forEach((name, value) -> assertTrue(value.equalsWithEps(all.get(name), 1e-12), name));
                assertTrue(expectedGraph
                        .get("phantom")
                        .equalsWithEps(
                                graph.output(List.of("phantom"), false, new INDArray[] {features}, null)[0], 1e-12));
                assertTrue(network.summary().startsWith("Rank " + group.rank() + " of " + ranks), "summary");
                assertEquals(score, network.score(BATCHES.get(0)), 1e-12);
                assertEquals(graphScore, graph.score(BATCHES.get(0)), 1e-12);
                return null;
            });
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = OptimizationAlgorithm.class,
            names = {"LINE_GRADIENT_DESCENT", "CONJUGATE_GRADIENT", "LBFGS"})
    void algorithmsThatNeedTheWholeGradientAreRefused(OptimizationAlgorithm algorithm) {
        String network = refusal(
                IllegalArgumentException.class,
                group -> RankNetwork.create(Small.network(Small.defaults().optimizationAlgo(algorithm))));
        assertTrue(network.contains(algorithm + " searches along the gradient of the whole network"), network);
        String graph = refusal(
                IllegalArgumentException.class,
                group -> RankNetwork.create(Small.graph(Small.defaults().optimizationAlgo(algorithm))));
        assertTrue(graph.contains(algorithm.toString()), graph);
        String replicas = refusal(IllegalArgumentException.class, all -> {
            Mesh mesh = Mesh.of(all, 2);
            return RankContext.call(
                    mesh.model(),
                    () -> DataParallel.join(
                            RankNetwork.create(Small.network(Small.defaults().optimizationAlgo(algorithm))),
                            mesh.data()));
        });
        assertTrue(replicas.contains(algorithm.toString()), replicas);
        MultiLayerNetwork alone =
                RankNetwork.create(Small.network(Small.defaults().optimizationAlgo(algorithm)));
        alone.fit(BATCHES.get(0));
        assertTrue(Double.isFinite(alone.score()), "in one process it is Deeplearning4j's");
    }

    @Test
    void minimizeIsIgnoredAsDeeplearning4jDoes() throws Exception {
        MultiLayerNetwork usual = network();
        BATCHES.forEach(usual::fit);
        for (int ranks : new int[] {1, 2}) {
            LocalRanks.run(ranks, Small.TIMEOUT, group -> {
                MultiLayerNetwork network =
                        RankNetwork.create(Small.network(Small.defaults().minimize(false)));
                BATCHES.forEach(network::fit);
                network.paramTable()
                        .forEach((key, value) -> assertTrue(usual.getParam(key).equalsWithEps(value, 1e-12), key));
                return null;
            });
        }
    }

    @Test
    void earlyStoppingStopsAllRanksTogether() throws Exception {
        List<EarlyStoppingResult<MultiLayerNetwork>> results = LocalRanks.run(2, Small.TIMEOUT, group -> {
            Clock clock = new Clock(group.rank() == 1 ? 5 : Integer.MAX_VALUE);
            return earlyStopping(new AgreedTermination(clock, group)).fit();
        });
        assertEquals(
                EarlyStoppingResult.TerminationReason.IterationTerminationCondition,
                results.get(0).getTerminationReason());
        assertEquals(results.get(0).getTotalEpochs(), results.get(1).getTotalEpochs());
        assertEquals(results.get(0).getTerminationReason(), results.get(1).getTerminationReason());
    }

    /** A condition of the time: each rank has its own. */
    private static final class Clock implements IterationTerminationCondition {

        private static final long serialVersionUID = 1L;

        private int left;

        Clock(int iterations) {
            this.left = iterations;
        }

        @Override
        public void initialize() {
            // runs already
        }

        @Override
        public boolean terminate(double lastMiniBatchScore) {
            return --left <= 0;
        }
    }

    @Test
    void theBestModelOfEarlyStoppingIsTheRanks() throws Exception {
        MultiLayerNetwork one = earlyStopping(null).fit().getBestModel();
        LocalRanks.run(2, Small.TIMEOUT, group -> {
                    MultiLayerNetwork best = earlyStopping(null).fit().getBestModel();
                    return RankNetwork.gather(best);
                })
                .subList(0, 1)
                .forEach(whole -> assertTrue(one.params().equalsWithEps(whole.params(), 1e-12)));
    }

    private static DataSetIterator iterator(int batches) {
        return new ViewIterator(DataSet.merge(Small.batches(batches)), 4);
    }

    private static EarlyStoppingTrainer earlyStopping(IterationTerminationCondition condition) {
        EarlyStoppingConfiguration.Builder<MultiLayerNetwork> configuration = new EarlyStoppingConfiguration.Builder<
                        MultiLayerNetwork>()
                .epochTerminationConditions(new MaxEpochsTerminationCondition(3))
                .scoreCalculator(new DataSetLossCalculator(iterator(2), true))
                .modelSaver(new InMemoryModelSaver<>());
        if (condition != null) {
            configuration.iterationTerminationConditions(condition);
        }
        return new EarlyStoppingTrainer(configuration.build(), network(), iterator(3));
    }

    @Test
    void aPlannedNetworkWithoutRankNetworkStillTrains() throws Exception {
        MultiLayerNetwork one = network();
        BATCHES.forEach(one::fit);
        LocalRanks.run(2, Small.TIMEOUT, group -> {
            MultiLayerNetwork plain = new MultiLayerNetwork(CommunicationPlan.apply(Small.network(Small.defaults())));
            plain.init();
            BATCHES.forEach(plain::fit);
            plain.paramTable()
                    .forEach((key, value) -> assertTrue(one.getParam(key).equalsWithEps(value, 1e-12), key));
            return null;
        });
    }
}
