package org.phantom4j.layers.ranks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.comm.Communicator;
import org.phantom4j.comm.LocalRanks;
import org.phantom4j.comm.Mesh;
import org.phantom4j.comm.RankContext;
import org.phantom4j.layers.CommunicationPlan;
import org.phantom4j.layers.train.DataParallel;
import org.phantom4j.layers.train.RankNetwork;

/** Ranks that are about to train different networks, or one network on different batches, are told. */
class AgreementTest {

    private static MultiLayerNetwork network() {
        return RankNetwork.create(Small.network(Small.defaults()));
    }

    private static String failure(int ranks, LocalRanks.Body<?> body) {
        return assertThrows(IllegalStateException.class, () -> LocalRanks.run(ranks, Small.TIMEOUT, body))
                .getMessage();
    }

    private static void assertSays(String message, String... parts) {
        for (String part : parts) {
            assertTrue(message.contains(part), message);
        }
    }

    @Test
    void oneIteratorForTwoRanks() {
        Iterator<DataSet> batches = Small.batches(40).iterator();
        String message = failure(2, group -> {
            MultiLayerNetwork network = network();
            for (int step = 0; step < 20; step++) {
                DataSet batch;
                synchronized (batches) {
                    batch = batches.next();
                }
                network.fit(batch);
            }
            return RankNetwork.gather(network);
        });
        assertSays(message, "rank 1 got another batch than rank 0 at iteration 0", "one iterator is shared");
    }

    @Test
    void aShuffleWithoutASeed() {
        String message = failure(4, group -> {
            List<DataSet> batches = Small.batches(40);
            Collections.shuffle(batches, new Random(group.rank() / 3));
            MultiLayerNetwork network = network();
            batches.forEach(network::fit);
            return RankNetwork.gather(network);
        });
        assertSays(message, "rank 3 got another batch than rank 0 at iteration 0", "shuffles without a seed");
    }

    @ParameterizedTest
    @ValueSource(ints = {3, 17, 90})
    void theIterationIsNamedHoweverLateItIsCompared(int different) {
        String message = failure(2, group -> {
            List<DataSet> batches = Small.batches(100);
            if (group.rank() == 1) {
                // one element of the labels' mask is enough
                batches.get(different).setLabelsMaskArray(Nd4j.create(new double[] {1, 1, 0, 1}, 4, 1));
            } else {
                batches.get(different).setLabelsMaskArray(Nd4j.ones(DataType.DOUBLE, 4, 1));
            }
            MultiLayerNetwork network = network();
            batches.forEach(network::fit);
            return RankNetwork.gather(network);
        });
        assertSays(message, "at iteration " + different + ":");
    }

    @Test
    void graphsAndInference() {
        String training = failure(2, group -> {
            ComputationGraph graph = RankNetwork.create(Small.graph(Small.defaults()));
            graph.fit(Small.batches(2).get(group.rank()));
            return RankNetwork.gather(graph);
        });
        assertSays(training, "rank 1 got another batch than rank 0 at iteration 0");
        String labels = failure(2, group -> {
            ComputationGraph graph = RankNetwork.create(Small.graph(Small.defaults()));
            List<DataSet> batches = Small.batches(2);
            graph.fit(new DataSet(
                    batches.get(0).getFeatures(), batches.get(group.rank()).getLabels()));
            return RankNetwork.gather(graph);
        });
        assertSays(labels, "rank 1 got another batch than rank 0 at iteration 0");
        String outputs = failure(
                2, group -> network().output(Small.batches(2).get(group.rank()).getFeatures()));
        assertSays(outputs, "rank 1 got another batch than rank 0 to compute outputs of");
    }

    @Test
    void oneRankThatEvaluatesWhileTheOthersTrain() {
        String message = failure(2, group -> {
            MultiLayerNetwork network = network();
            DataSet batch = Small.batches(1).get(0);
            if (group.rank() == 0) {
                network.fit(batch);
            } else {
                network.output(batch.getFeatures());
            }
            return null;
        });
        assertSays(message, "rank 1 computes outputs", "rank 0 trains", "AgreedTermination");
    }

    @Test
    void replicasHaveSharesOfOneBatchAndRanksOfAModelTheSameShare() throws Exception {
        LocalRanks.run(4, Small.TIMEOUT, all -> replicated(all, 0));
        String model = failure(4, all -> replicated(all, all.rank() % 2));
        assertSays(model, "rank 1 got another batch than rank 0 at iteration 0");
        String replicas = failure(4, all -> replicated(all, all.rank() / 2));
        assertSays(replicas, "replica 1 got another batch than replica 0 at iteration 0");
    }

    private static Object replicated(Communicator all, int which) throws Exception {
        Mesh mesh = Mesh.of(all, 2);
        return RankContext.call(mesh.model(), () -> {
            MultiLayerNetwork network = network();
            DataParallel replicas = DataParallel.join(network, mesh.data());
            replicas.fit(Small.batches(2).get(which));
            return network.score();
        });
    }

    @Test
    void differentConfigurations() {
        String message = failure(
                2, group -> RankNetwork.create(Small.network(Small.defaults().l2(group.rank() == 0 ? 1e-3 : 1e-4))));
        assertSays(message, "rank 1's configuration differs from rank 0's", "1.0E-4 instead of", "0.001", "layer0");
        String graph = failure(
                2, group -> RankNetwork.create(Small.graph(Small.defaults().biasInit(group.rank()))));
        assertSays(graph, "rank 1's configuration differs from rank 0's", "biasInit");
    }

    @Test
    void withoutASeedAllHaveTheFirstRanks() throws Exception {
        List<Map<String, INDArray>> ranks = LocalRanks.run(2, Small.TIMEOUT, group -> {
            // what the clock gives where nobody calls seed
            NeuralNetConfiguration.Builder defaults = Small.defaults().seed(100 + group.rank());
            MultiLayerNetwork network = RankNetwork.create(Small.network(defaults));
            for (DataSet batch : Small.batches(3)) {
                network.fit(batch);
            }
            return network.paramTable();
        });
        MultiLayerNetwork whole =
                new MultiLayerNetwork(Small.network(Small.defaults().seed(100)));
        whole.init();
        Small.batches(3).forEach(whole::fit);
        for (Map<String, INDArray> rank : ranks) {
            rank.forEach((key, value) -> assertTrue(whole.getParam(key).equalsWithEps(value, 1e-12), key));
        }
        ComputationGraph graph =
                new ComputationGraph(Small.graph(Small.defaults().seed(100)));
        graph.init();
        LocalRanks.run(2, Small.TIMEOUT, group -> RankNetwork.create(
                                Small.graph(Small.defaults().seed(100 + group.rank())))
                        .paramTable())
                .forEach(rank -> rank.forEach((key, value) -> assertEquals(graph.getParam(key), value, key)));
    }

    @Test
    void aParameterOfEveryRankThatIsChangedOnOne() {
        String message = failure(2, group -> {
            MultiLayerNetwork network = network();
            List<DataSet> batches = Small.batches(GroupGuard.STEPS + 1);
            for (int step = 0; step < batches.size(); step++) {
                network.fit(batches.get(step));
                if (step == 10 && group.rank() == 1) {
                    network.getParam("0_W").addi(0.1);
                }
            }
            return null;
        });
        assertSays(
                message, "parameter '0_W'", "at iteration " + (GroupGuard.STEPS - 1), "rank 1's differs from rank 0's");
    }

    @Test
    void wholeNetworksOfOtherParameters() {
        String message = failure(2, group -> {
            MultiLayerNetwork whole = RankContext.runAlone(() -> {
                MultiLayerNetwork read = new MultiLayerNetwork(Small.network(Small.defaults()));
                read.init();
                return read;
            });
            whole.getParam("1_L2").addi(group.rank());
            return RankNetwork.of(whole);
        });
        assertSays(message, "rank 1's whole network has other parameters");
    }

    @Test
    void fingerprintsDependOnShapesAndValuesNotOnTheOrderInMemory() {
        INDArray array = Nd4j.arange(30 * 40).castTo(DataType.FLOAT).reshape(30, 40);
        assertEquals(print(array), print(array.dup('f')));
        assertNotEquals(print(array), print(array.reshape(40, 30)));
        assertNotEquals(print(array), print(array.castTo(DataType.DOUBLE)));
        assertNotEquals(print(array), print(array.add(1)));
        assertNotEquals(print(array), print());
        INDArray some = array.dup();
        int seen = 0;
        some.putScalar(7, 7, 100);
        for (long number = 0; number < 100; number++) {
            seen += new BatchFingerprint(number).add(64, array).value()
                            != new BatchFingerprint(number).add(64, some).value()
                    ? 1
                    : 0;
        }
        assertTrue(seen > 0, "one element of 1200 shows itself in some of 100 batches");
    }

    private static long print(INDArray... arrays) {
        return new BatchFingerprint(5).add(64, arrays).value();
    }

    @Test
    void whatIsComparedIsNotCountedAsSent() throws Exception {
        MultiLayerConfiguration configuration = Small.network(Small.defaults());
        List<Long> bytes = LocalRanks.run(2, Small.TIMEOUT, group -> {
            MultiLayerNetwork plain = new MultiLayerNetwork(configuration.clone());
            plain.init();
            CommunicationPlan.apply(plain);
            DataSet batch = Small.batches(1).get(0);
            plain.fit(batch);
            long before = group.stats().bytesSent();
            plain.fit(batch);
            long plainBytes = group.stats().bytesSent() - before;
            MultiLayerNetwork network = RankNetwork.create(configuration);
            network.fit(batch);
            before = group.stats().bytesSent();
            network.fit(batch);
            return group.stats().bytesSent() - before - plainBytes;
        });
        assertEquals(new ArrayList<>(List.of(0L, 0L)), bytes);
    }
}
