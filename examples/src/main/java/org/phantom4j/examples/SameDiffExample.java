package org.phantom4j.examples;

import java.util.Map;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.TrainingConfig;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.weightinit.impl.XavierInitScheme;
import org.phantom4j.data.Batches;
import org.phantom4j.data.Corpus;
import org.phantom4j.data.Samples;
import org.phantom4j.data.SyntheticData;
import org.phantom4j.ops.PhantomDense;
import org.phantom4j.ops.PhantomGeometry;

/** The phantom op in a raw SameDiff graph: one layer of two shards, trained, with the hand-derived gradients. */
public final class SameDiffExample {

    private static final int WIDTH = 32;
    private static final int BATCH = 64;
    private static final int STEPS = 300;

    private SameDiffExample() {}

    /** Trains and prints the test loss before and after. */
    public static void main(String[] args) {
        Nd4j.getRandom().setSeed(1);
        PhantomGeometry geometry = new PhantomGeometry(WIDTH, WIDTH, 2, 4);

        SameDiff graph = SameDiff.create();
        SDVariable x = graph.placeHolder("x", DataType.FLOAT, -1, WIDTH);
        SDVariable target = graph.placeHolder("target", DataType.FLOAT, -1, WIDTH);
        SDVariable[] parameters = new SDVariable[2 * 4];
        for (int j = 0; j < 2; j++) {
            long in = geometry.in().width(j);
            long out = geometry.out().width(j);
            parameters[4 * j] = weights(graph, "L" + j, in, out);
            parameters[4 * j + 1] = weights(graph, "C" + j, in, geometry.phantomWidth());
            parameters[4 * j + 2] = weights(graph, "D" + j, geometry.decompressorRows(), out);
            parameters[4 * j + 3] = graph.var("b" + j, Nd4j.zeros(DataType.FLOAT, out));
        }
        SDVariable z = new PhantomDense(graph, geometry, x, parameters).outputVariables()[0];
        SDVariable loss = graph.loss.meanSquaredError("loss", target, graph.math.tanh(z), null);
        graph.setLossVariables(loss);
        graph.setTrainingConfig(TrainingConfig.builder()
                .updater(new Adam(0.01))
                .dataSetFeatureMapping("x")
                .dataSetLabelMapping("target")
                .build());

        Corpus data = SyntheticData.create(WIDTH, DataType.FLOAT, 1);
        double before = testLoss(graph, data.test());
        Batches batches = new Batches(data.train(), BATCH, 1);
        for (int step = 0; step < STEPS; step++) {
            graph.fit(batches.next());
        }
        System.out.printf("test loss %.4f before and %.4f after training%n", before, testLoss(graph, data.test()));
    }

    private static double testLoss(SameDiff graph, Samples test) {
        Map<String, INDArray> placeholders = Map.of("x", test.features(), "target", test.labels());
        return graph.output(placeholders, "loss").get("loss").getDouble(0);
    }

    private static SDVariable weights(SameDiff graph, String name, long rows, long columns) {
        INDArray values = new XavierInitScheme('f', rows, columns).create(DataType.FLOAT, rows, columns);
        return graph.var(name, values);
    }
}
