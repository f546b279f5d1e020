package org.phantom4j.layers;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.IntFunction;
import java.util.function.Supplier;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Sgd;
import org.phantom4j.comm.LocalRanks;
import org.phantom4j.layers.train.RankNetwork;

/** Networks of sharded layers beside those of Deeplearning4j's that are the same function, with the same weights. */
final class Equivalent {

    private static final double TOLERANCE = 1e-9;

    private Equivalent() {}

    static NeuralNetConfiguration.Builder defaults() {
        return Networks.defaults().updater(new Sgd(0.1));
    }

    static MultiLayerNetwork init(MultiLayerConfiguration configuration) {
        MultiLayerNetwork network = new MultiLayerNetwork(configuration);
        network.init();
        return network;
    }

    /** The same values by the names of dense layers: the blocks of W of shards are put together. */
    static Map<String, INDArray> assemble(MultiLayerNetwork sharded) {
        Map<String, INDArray> whole = new LinkedHashMap<>();
        Map<String, List<INDArray>> blocks = new TreeMap<>();
        sharded.paramTable().forEach((key, value) -> {
            String name = key.replaceFirst("(?<=[A-Za-z])\\d+$", "").replace("_L", "_W");
            boolean idle = key.matches("\\d+_C0");
            if (!idle) {
                blocks.computeIfAbsent(name, each -> new ArrayList<>()).add(value);
            }
        });
        blocks.forEach((name, all) -> {
            boolean rows = name.endsWith("_W")
                    && sharded.getLayer(Integer.parseInt(name.substring(0, name.indexOf('_'))))
                                    .conf()
                                    .getLayer()
                            instanceof ShardedOutputLayer;
            whole.put(
                    name, all.size() == 1 ? all.get(0).dup() : Nd4j.concat(rows ? 0 : 1, all.toArray(new INDArray[0])));
        });
        return whole;
    }

    /** A network of dense layers with the weights of a sharded one. */
    static MultiLayerNetwork dense(MultiLayerConfiguration configuration, MultiLayerNetwork sharded) {
        MultiLayerNetwork dense = init(configuration);
        Map<String, INDArray> values = assemble(sharded);
        assertEquals(
                dense.paramTable().keySet().stream().sorted().toList(),
                values.keySet().stream().sorted().toList());
        dense.paramTable().forEach((key, value) -> value.assign(values.get(key).reshape(value.shape())));
        return dense;
    }

    /**
     * Trains the dense network, and the sharded one with 1, 2 and 4 shards in one process, planned or not, and with 4 on 2
     * ranks: all must have the same scores, outputs and weights.
     *
     * @param sharded the configuration with some shards
     */
    static void assertSame(
            Supplier<MultiLayerConfiguration> dense, IntFunction<MultiLayerConfiguration> sharded, DataSet data)
            throws Exception {
        Deeplearning4jFaults.skipped(() -> compare(dense, sharded, data));
    }

    private static void compare(
            Supplier<MultiLayerConfiguration> dense, IntFunction<MultiLayerConfiguration> sharded, DataSet data)
            throws Exception {
        for (int shards : new int[] {1, 2, 4}) {
            MultiLayerNetwork ours = init(sharded.apply(shards));
            MultiLayerNetwork expected = dense(dense.get(), ours);
            List<Double> scores = train(expected, data);
            assertEquals(scores.size(), 4);
            List<Double> own = train(ours, data);
            String where = " with " + shards + " shards";
            for (int i = 0; i < scores.size(); i++) {
                assertEquals(scores.get(i), own.get(i), TOLERANCE, "score " + i + where);
            }
            assertSameValues(expected, ours, data, where);
            INDArray examples = expected.scoreExamples(data.copy(), true);
            assertTrue(examples.equalsWithEps(ours.scoreExamples(data.copy(), true), TOLERANCE), "examples" + where);
            if (shards == 4) {
                MultiLayerNetwork gathered = LocalRanks.run(2, Duration.ofMinutes(2), group -> {
                            MultiLayerNetwork rank = RankNetwork.create(sharded.apply(4));
                            train(rank, data);
                            return RankNetwork.gather(rank);
                        })
                        .get(0);
                assertSameValues(expected, gathered, data, " on 2 ranks");
            }
        }
    }

    private static void assertSameValues(
            MultiLayerNetwork expected, MultiLayerNetwork ours, DataSet data, String where) {
        assertTrue(
                expected.output(data.getFeatures()).equalsWithEps(ours.output(data.getFeatures()), TOLERANCE),
                "outputs" + where);
        Map<String, INDArray> values = assemble(ours);
        expected.paramTable().forEach((key, value) -> {
            INDArray actual = values.get(key).reshape(value.shape());
            assertTrue(value.equalsWithEps(actual, TOLERANCE), () -> key + where + ": " + value + " " + actual);
        });
    }

    private static List<Double> train(MultiLayerNetwork network, DataSet data) {
        // the numbers that layers draw are those of the data's generator
        Nd4j.getRandom().setSeed(31);
        List<Double> scores = new ArrayList<>();
        for (int step = 0; step < 3; step++) {
            network.fit(data.copy());
            scores.add(network.score());
        }
        scores.add(network.score(data.copy(), false));
        return scores;
    }
}
