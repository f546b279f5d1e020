package org.phantom4j.layers.matrix;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;

/** What a training came to: the score of each step, and outputs, scores of examples and parameters after it. */
record Run(INDArray scores, INDArray output, INDArray examples, Map<String, INDArray> parameters) {

    /** Trains on the current rank. */
    static Run of(Plan plan, Net net) {
        List<DataSet> batches = Batches.of(plan);
        Nd4j.getRandom().setSeed(7);
        List<Double> scores = new ArrayList<>();
        for (DataSet batch : batches) {
            net.network().fit(batch.copy());
            scores.add(net.score());
        }
        DataSet last = batches.get(0);
        INDArray output = net.output(last.getFeatures().dup());
        // a row of a series is no example
        INDArray examples = plan.input == Plan.Input.SERIES ? null : net.scoreExamples(last.copy());
        Map<String, INDArray> parameters = new TreeMap<>();
        net.parameters().forEach((key, value) -> parameters.put(key, value.dup()));
        return new Run(Nd4j.createFromArray(scores.toArray(new Double[0])), output.dup(), examples, parameters);
    }

    boolean isFinite() {
        return finite(scores) && finite(output) && parameters.values().stream().allMatch(Run::finite);
    }

    private static boolean finite(INDArray array) {
        return Double.isFinite(array.castTo(DataType.DOUBLE).norm1Number().doubleValue());
    }

    /** How another run differs by more than a tolerance; empty if it does not. Only parameters that
     * both have are compared: the others are another rank's. */
    List<String> differences(Run other, double tolerance) {
        List<String> differences = new ArrayList<>();
        compare("scores", scores, other.scores, tolerance, differences);
        compare("output", output, other.output, tolerance, differences);
        if (examples != null) {
            compare("scores of examples", examples, other.examples, tolerance, differences);
        }
        other.parameters.forEach((key, value) -> {
            if (parameters.containsKey(key)) {
                compare(key, parameters.get(key), value, tolerance, differences);
            }
        });
        return differences;
    }

    private static void compare(
            String what, INDArray expected, INDArray actual, double tolerance, List<String> differences) {
        if (!java.util.Arrays.equals(expected.shape(), actual.shape()) || expected.dataType() != actual.dataType()) {
            differences.add(what + ": " + expected.shapeInfoToString() + ", not " + actual.shapeInfoToString());
            return;
        }
        INDArray e = expected.castTo(DataType.DOUBLE).dup('c').reshape(expected.length());
        INDArray a = actual.castTo(DataType.DOUBLE).dup('c').reshape(actual.length());
        double scale = Math.max(1, e.amaxNumber().doubleValue());
        double error = e.sub(a).amaxNumber().doubleValue() / scale;
        if (!(error <= tolerance)) {
            differences.add(what + " off by " + error
                    + (expected.length() <= 9 ? ": expected " + e.toStringFull() + ", got " + a.toStringFull() : ""));
        }
    }
}
