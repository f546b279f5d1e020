package org.phantom4j.layers;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.comm.LocalRanks;

/**
 * What a network computed on one rank: the score of each step, the scores of the examples, the outputs afterwards, and the
 * parameters that the rank holds.
 */
record TrainingRun(List<Double> scores, INDArray exampleScores, INDArray output, Map<String, INDArray> parameters) {

    static final int STEPS = 4;

    private static final double TOLERANCE = 1e-9;

    /** Trains on each of {@code ranks} ranks, a planned network or not. */
    static List<TrainingRun> of(MultiLayerConfiguration configuration, int ranks, DataSet data, boolean planned)
            throws Exception {
        return LocalRanks.run(ranks, Duration.ofMinutes(2), group -> {
            MultiLayerNetwork network = new MultiLayerNetwork(configuration.clone());
            network.init();
            if (planned) {
                CommunicationPlan.apply(network);
            }
            List<Double> scores = new ArrayList<>();
            for (int step = 0; step < STEPS; step++) {
                network.fit(data.copy());
                scores.add(network.score());
            }
            scores.add(network.score(data.copy()));
            INDArray examples = network.scoreExamples(data.copy(), true);
            return new TrainingRun(scores, examples, network.output(data.getFeatures()), network.paramTable());
        });
    }

    /** Trains on each of {@code ranks} ranks, a planned graph or not; it has one input and one output. */
    static List<TrainingRun> of(ComputationGraphConfiguration configuration, int ranks, DataSet data, boolean planned)
            throws Exception {
        return LocalRanks.run(ranks, Duration.ofMinutes(2), group -> {
            ComputationGraph network = new ComputationGraph(configuration.clone());
            network.init();
            if (planned) {
                CommunicationPlan.apply(network);
            }
            List<Double> scores = new ArrayList<>();
            for (int step = 0; step < STEPS; step++) {
                network.fit(data.copy());
                scores.add(network.score());
            }
            scores.add(network.score(data.copy()));
            INDArray examples = network.scoreExamples(data.copy(), true);
            return new TrainingRun(scores, examples, network.outputSingle(data.getFeatures()), network.paramTable());
        });
    }

    /** Asserts that 2 ranks and 4, the ones planned and the others not, do what one process does. */
    static void assertSameOnEveryRankCount(MultiLayerConfiguration configuration, DataSet data) throws Exception {
        TrainingRun one = of(configuration, 1, data, false).get(0);
        for (int ranks : new int[] {2, 4}) {
            for (TrainingRun run : of(configuration, ranks, data, ranks == 2)) {
                one.assertAgrees(run, ranks);
            }
        }
    }

    static void assertSameOnEveryRankCount(ComputationGraphConfiguration configuration, DataSet data) throws Exception {
        TrainingRun one = of(configuration, 1, data, false).get(0);
        for (int ranks : new int[] {2, 4}) {
            for (TrainingRun run : of(configuration, ranks, data, ranks == 4)) {
                one.assertAgrees(run, ranks);
            }
        }
    }

    /** Asserts that a rank's run is this one, of the whole model, as far as the rank holds it. */
    void assertAgrees(TrainingRun run, int ranks) {
        String where = " on " + ranks + " ranks";
        for (int i = 0; i < scores.size(); i++) {
            assertEquals(scores.get(i), run.scores.get(i), TOLERANCE, "score " + i + where);
        }
        assertTrue(exampleScores.equalsWithEps(run.exampleScores, TOLERANCE), "scores of the examples" + where);
        assertTrue(output.equalsWithEps(run.output, TOLERANCE), "outputs" + where);
        run.parameters.forEach(
                (key, value) -> assertTrue(parameters.get(key).equalsWithEps(value, TOLERANCE), key + where));
    }

    /** Random features, and labels of one class or of random numbers. */
    static DataSet data(int batch, int features, int labels, boolean classes) {
        Nd4j.getRandom().setSeed(5);
        INDArray x = Nd4j.randn(DataType.DOUBLE, batch, features);
        INDArray y = Nd4j.randn(DataType.DOUBLE, batch, labels);
        if (classes) {
            y = Nd4j.zeros(DataType.DOUBLE, batch, labels);
            for (int i = 0; i < batch; i++) {
                y.putScalar(i, i % labels, 1);
            }
        }
        return new DataSet(x, y);
    }
}
