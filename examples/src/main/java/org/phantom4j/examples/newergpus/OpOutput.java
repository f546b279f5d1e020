package org.phantom4j.examples.newergpus;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.Arrays;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * An output of an op, or the mean and deviation of one.
 *
 * @param type   of its elements
 * @param values in C order
 */
record OpOutput(DataType type, double[] values) {
    /** Of a mean or deviation of 10,000 numbers. */
    private static final Tolerance STATISTIC = new Tolerance(0.05, 0);

    /** What two backends may differ by: they add up in another order, and approximate functions in another way. */
    private record Tolerance(double absolute, double relative) {
        static Tolerance of(DataType type) {
            return switch (type) {
                case DOUBLE -> new Tolerance(1e-10, 1e-9);
                case FLOAT -> new Tolerance(1e-4, 1e-3);
                case HALF, BFLOAT16 -> new Tolerance(1e-2, 1e-2);
                default -> new Tolerance(0, 0);
            };
        }

        boolean allows(double expected, double actual) {
            return expected == actual
                    || (Double.isNaN(expected) && Double.isNaN(actual))
                    || Math.abs(expected - actual) <= absolute + relative * Math.abs(expected);
        }
    }

    static OpOutput of(INDArray output, OpCase.Kind kind) {
        double[] values = output.isEmpty()
                ? new double[0]
                : output.castTo(DataType.DOUBLE).dup('c').ravel().toDoubleVector();
        return new OpOutput(output.dataType(), kind == OpCase.Kind.VALUES ? values : statistics(values));
    }

    private static double[] statistics(double[] values) {
        double mean = Arrays.stream(values).average().orElseThrow();
        double variance = Arrays.stream(values)
                .map(v -> (v - mean) * (v - mean))
                .average()
                .orElseThrow();
        return new double[] {mean, Math.sqrt(variance)};
    }

    /** {@return how another backend's output differs from this one; empty if it is the same} */
    String difference(OpOutput other, OpCase.Kind kind) {
        if (other.type != type || other.values.length != values.length) {
            return String.format(
                    "%d elements of %s, expected %d of %s", other.values.length, other.type, values.length, type);
        }
        Tolerance tolerance = kind == OpCase.Kind.VALUES ? Tolerance.of(type) : STATISTIC;
        for (int i = 0; i < values.length; i++) {
            if (!tolerance.allows(values[i], other.values[i])) {
                return String.format("element %d: %.7g, expected %.7g", i, other.values[i], values[i]);
            }
        }
        return "";
    }

    void write(DataOutputStream out) throws IOException {
        out.writeUTF(type.name());
        out.writeInt(values.length);
        for (double value : values) {
            out.writeDouble(value);
        }
    }

    static OpOutput read(DataInputStream in) throws IOException {
        DataType type = DataType.valueOf(in.readUTF());
        double[] values = new double[in.readInt()];
        for (int i = 0; i < values.length; i++) {
            values[i] = in.readDouble();
        }
        return new OpOutput(type, values);
    }
}
