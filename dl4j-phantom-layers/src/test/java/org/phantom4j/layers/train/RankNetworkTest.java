package org.phantom4j.layers.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.phantom4j.comm.DenseArrays;
import org.phantom4j.comm.LocalRanks;
import org.phantom4j.layers.PhantomDenseLayer;
import org.phantom4j.layers.ShardedLossLayer;
import org.phantom4j.layers.ShardedOutputLayer;
import org.phantom4j.layers.TensorParallelDenseLayer;
import org.phantom4j.ops.LayerCost;
import org.phantom4j.ops.Products;
import org.phantom4j.ops.golden.GoldenCase;

class RankNetworkTest {

    private static final Duration TIMEOUT = Duration.ofMinutes(2);
    private static final int BATCH = 6;

    /** What one rank counted in one step. */
    private record Counts(long multiplyAdds, long bytes, long parameters) {}

    private static Layer phantom(long nOut) {
        return new PhantomDenseLayer.Builder()
                .nOut(nOut)
                .shards(4)
                .phantomWidth(2)
                .activation(Activation.TANH)
                .build();
    }

    private static Layer tensor(long nOut) {
        return new TensorParallelDenseLayer.Builder()
                .nOut(nOut)
                .shards(4)
                .activation(Activation.TANH)
                .build();
    }

    private static MultiLayerConfiguration network(Layer... layers) {
        NeuralNetConfiguration.ListBuilder list = new NeuralNetConfiguration.Builder()
                .seed(3)
                .dataType(DataType.DOUBLE)
                .updater(new Sgd(0.1))
                .list();
        for (Layer layer : layers) {
            list.layer(layer);
        }
        return list.setInputType(InputType.feedForward(10)).build();
    }

    private static Layer classes() {
        return new ShardedOutputLayer.Builder(LossFunction.MCXENT)
                .nOut(3)
                .shards(4)
                .activation(Activation.SOFTMAX)
                .build();
    }

    private static List<MultiLayerConfiguration> networks() {
        return List.of(
                network(
                        phantom(9),
                        phantom(11),
                        new ShardedLossLayer.Builder().shards(4).build()),
                network(
                        tensor(9),
                        tensor(11),
                        new ShardedLossLayer.Builder().shards(4).build()),
                network(phantom(9), tensor(8), classes()),
                network(new DenseLayer.Builder().nOut(7).build(), phantom(8), classes()));
    }

    private static DataSet data(MultiLayerNetwork network) {
        Nd4j.getRandom().setSeed(9);
        long outputs = network.output(Nd4j.zeros(DataType.DOUBLE, 1, 10)).size(1);
        return new DataSet(Nd4j.rand(DataType.DOUBLE, BATCH, 10), Nd4j.rand(DataType.DOUBLE, BATCH, outputs));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4})
    void aStepCostsWhatTheFormulaSays(int ranks) throws Exception {
        for (MultiLayerConfiguration configuration : networks()) {
            LayerCost cost = NetworkCost.of(configuration, ranks, BATCH, Double.BYTES);
            List<Counts> counts = LocalRanks.run(ranks, TIMEOUT, group -> {
                MultiLayerNetwork network = RankNetwork.create(configuration);
                DataSet data = data(network);
                long multiplyAdds = Products.multiplyAdds();
                long bytes = group.stats().bytesSent();
                network.fit(data);
                return new Counts(
                        Products.multiplyAdds() - multiplyAdds, group.stats().bytesSent() - bytes, network.numParams());
            });
            String what = configuration.toJson() + " on " + ranks + " ranks";
            assertEquals(cost.bytes(), counts.stream().mapToLong(Counts::bytes).sum(), what);
            if (configuration.getConf(0).getLayer().getClass() != DenseLayer.class) {
                assertEquals(
                        cost.multiplyAdds(),
                        counts.stream().mapToLong(Counts::multiplyAdds).sum(),
                        what);
            }
            if (ranks == 1) {
                assertEquals(cost.parameters(), counts.get(0).parameters(), what);
            }
        }
    }

    @Test
    void ordinaryLayersHaveFormulasToo() {
        LayerCost dense = NetworkCost.of(
                network(
                        new DenseLayer.Builder().nOut(5).build(),
                        new OutputLayer.Builder(LossFunction.MSE).nOut(2).build()),
                1,
                4,
                4);
        assertEquals(10 * 5 + 5 + 5 * 2 + 2, dense.parameters());
        assertEquals(3 * 4 * (10 * 5 + 5 * 2), dense.multiplyAdds());
        assertEquals(0, dense.bytes());
        LayerCost loss = NetworkCost.of(
                network(new DenseLayer.Builder().nOut(5).build(), new LossLayer.Builder(LossFunction.MSE).build()),
                1,
                4,
                4);
        assertEquals(10 * 5 + 5, loss.parameters());
        MultiLayerConfiguration other = network(new BatchNormalization(), new LossLayer.Builder().build());
        assertThrows(IllegalArgumentException.class, () -> NetworkCost.of(other, 1, 4, 4));
    }

    @Test
    void aWholeNetworkIsTheSameWhateverTheRanks() throws Exception {
        for (MultiLayerConfiguration configuration : networks()) {
            Map<String, INDArray> one = trainAndGather(configuration, 1).paramTable();
            MultiLayerNetwork four = trainAndGather(configuration, 4);
            assertEquals(one.keySet(), four.paramTable().keySet());
            one.forEach((key, value) ->
                    assertTrue(value.equalsWithEps(four.paramTable().get(key), 1e-12), key));

            INDArray x = Nd4j.rand(DataType.DOUBLE, 5, 10);
            INDArray expected = four.output(x);
            List<INDArray> outputs = LocalRanks.run(
                    2, TIMEOUT, group -> RankNetwork.of(four).output(x).dup());
            outputs.forEach(output -> assertTrue(expected.equalsWithEps(output, 1e-12)));
        }
    }

    private static MultiLayerNetwork trainAndGather(MultiLayerConfiguration configuration, int ranks) throws Exception {
        List<MultiLayerNetwork> wholes = new ArrayList<>(LocalRanks.run(ranks, TIMEOUT, group -> {
            MultiLayerNetwork network = RankNetwork.create(configuration);
            DataSet data = data(network);
            for (int step = 0; step < 3; step++) {
                network.fit(data);
            }
            return RankNetwork.gather(network);
        }));
        wholes.subList(1, ranks).forEach(other -> assertNull(other));
        return wholes.get(0);
    }

    @ParameterizedTest
    @ValueSource(strings = {"train-square", "train-funnel"})
    void goldenTrainingRuns(String name) throws Exception {
        Path folder = Path.of(System.getProperty("repository.root"), "../shared/golden", name);
        Assumptions.assumeTrue(Files.isDirectory(folder), "no golden values at " + folder);
        GoldenCase golden = new GoldenCase(folder);
        for (int ranks = 1; ranks <= golden.shards(); ranks++) {
            if (golden.shards() % ranks == 0) {
                LocalRanks.run(ranks, TIMEOUT, group -> new GoldenTraining(golden).errors())
                        .forEach(errors -> errors.forEach(
                                (array, error) -> assertTrue(error <= 1e-8, name + ": " + array + " " + error)));
            }
        }
    }

    @Test
    void peakMemoryFollowsWhatIsUsed() {
        needsArraysOnTheHost();
        Assumptions.assumeTrue(PeakMemory.bytes().isPresent(), "this system does not tell a process's peak memory");
        Assumptions.assumeTrue(PeakMemory.reset(), "this system does not let a process start a new peak");
        long before = PeakMemory.currentBytes().orElseThrow();
        INDArray large = Nd4j.ones(DataType.DOUBLE, 8_000_000);
        assertTrue(PeakMemory.bytes().orElseThrow() > before + 32_000_000);
        assertEquals(8_000_000, large.length());
    }

    @Test
    void productsUseTheThreadsTheyAreGiven() {
        needsArraysOnTheHost();
        int before = Nd4j.factory().blas().getMaxThreads();
        try {
            ComputeThreads.perRank(1);
            assertEquals(1, Nd4j.factory().blas().getMaxThreads());
        } finally {
            ComputeThreads.perRank(Math.max(1, before));
        }
    }

    private static void needsArraysOnTheHost() {
        Assumptions.assumeFalse(DenseArrays.onDevice(), "ND4J computes on a GPU here");
    }
}
