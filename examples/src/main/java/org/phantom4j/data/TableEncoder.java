package org.phantom4j.data;

import java.util.ArrayList;
import java.util.List;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A table's rows as a model's inputs. Values are standardised in double precision before they become the model's type, so
 * that a large offset costs no digits.
 */
final class TableEncoder {

    private final List<FeatureColumn> columns;
    private final int inputs;

    TableEncoder(List<FeatureColumn> columns) {
        this.columns = columns;
        this.inputs = columns.stream().mapToInt(FeatureColumn::width).sum();
    }

    /** Takes one input's value and number. */
    private interface Input {
        void accept(FeatureColumn column, int inputOfColumn, int input);
    }

    private void eachInput(Input task) {
        int input = 0;
        for (FeatureColumn column : columns) {
            for (int i = 0; i < column.width(); i++) {
                task.accept(column, i, input++);
            }
        }
    }

    /** The inputs' means over rows, without cells that have no value. */
    List<Double> means(int... rows) {
        List<Double> means = new ArrayList<>();
        eachInput((column, i, input) -> {
            double sum = 0;
            int count = 0;
            for (int row : rows) {
                double value = column.value(row, i);
                if (!Double.isNaN(value)) {
                    sum += value;
                    count++;
                }
            }
            means.add(count == 0 ? 0 : sum / count);
        });
        return means;
    }

    /** The inputs' standard deviations over rows; 1 for a constant one. */
    List<Double> deviations(List<Double> means, int... rows) {
        List<Double> deviations = new ArrayList<>();
        eachInput((column, i, input) -> {
            double largest = 0;
            for (int row : rows) {
                double value = column.value(row, i);
                largest = Double.isNaN(value) ? largest : Math.max(largest, Math.abs(value - means.get(input)));
            }
            double sum = 0;
            int count = 0;
            for (int row : rows) {
                double value = column.value(row, i);
                if (!Double.isNaN(value) && largest > 0) {
                    double share = (value - means.get(input)) / largest;
                    sum += share * share;
                    count++;
                }
            }
            double deviation = count == 0 ? 0 : largest * Math.sqrt(sum / count);
            // what is left of a constant's mean by rounding is no spread
            boolean constant = !(deviation > 1e-12 * Math.abs(means.get(input)));
            deviations.add(constant ? 1 : deviation);
        });
        return deviations;
    }

    /**
     * The inputs of rows, [rows, inputs].
     *
     * @param means and {@code deviations}: empty for values as they are
     */
    INDArray encode(List<Double> means, List<Double> deviations, DataType type, int... rows) {
        if ((long) rows.length * inputs > Integer.MAX_VALUE - 8) {
            throw new DataException(rows.length + " rows of " + inputs
                    + " inputs are more than fit into memory at once: " + "at most 2^31 values");
        }
        boolean floats = type == DataType.FLOAT;
        float[] single = new float[floats ? rows.length * inputs : 0];
        double[] twice = new double[floats ? 0 : rows.length * inputs];
        eachInput((column, i, input) -> {
            double mean = means.isEmpty() ? 0 : means.get(input);
            double deviation = deviations.isEmpty() ? 1 : deviations.get(input);
            for (int row = 0; row < rows.length; row++) {
                double value = column.value(rows[row], i);
                double scaled = Double.isNaN(value) ? 0 : (value - mean) / deviation;
                if (!Double.isFinite(floats ? (float) scaled : scaled)) {
                    throw new DataException(
                            column.place(rows[row]) + ": " + value + " is too far from the training samples'"
                                    + " mean of " + mean + ", by " + scaled + " standard deviations");
                }
                if (floats) {
                    single[row * inputs + input] = (float) scaled;
                } else {
                    twice[row * inputs + input] = scaled;
                }
            }
        });
        INDArray flat = floats
                ? Nd4j.createFromArray(single)
                : Nd4j.createFromArray(twice).castTo(type);
        return flat.reshape(rows.length, inputs);
    }
}
