package org.phantom4j.examples.newergpus;

import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Arrays that are the same on every backend. */
final class Inputs {
    private Inputs() {}

    /** {@return floats between -2 and 2, of a seed} */
    static INDArray floats(int seed, long... shape) {
        return between(seed, -2, 2, shape);
    }

    /** {@return floats between 0.1 and 0.9, of a seed} */
    static INDArray fractions(int seed, long... shape) {
        return between(seed, 0.1, 0.9, shape);
    }

    static INDArray between(int seed, double low, double high, long... shape) {
        SplittableRandom random = new SplittableRandom(seed);
        float[] values = new float[Math.toIntExact(LongStream.of(shape).reduce(1, (a, b) -> a * b))];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextDouble(low, high);
        }
        return Nd4j.createFromArray(values).reshape(shape);
    }

    /** {@return whole numbers from 0 to {@code bound} - 1, of a seed} */
    static INDArray randomInts(int seed, int bound, long... shape) {
        SplittableRandom random = new SplittableRandom(seed);
        int[] values = new int[Math.toIntExact(LongStream.of(shape).reduce(1, (a, b) -> a * b))];
        for (int i = 0; i < values.length; i++) {
            values[i] = random.nextInt(bound);
        }
        return Nd4j.createFromArray(values).reshape(shape);
    }

    static INDArray ints(int... values) {
        return Nd4j.createFromArray(values);
    }

    static INDArray longs(long... values) {
        return Nd4j.createFromArray(values);
    }

    /** {@return true where floats of this seed are positive} */
    static INDArray bools(int seed, long... shape) {
        return floats(seed, shape).gt(0);
    }

    /** {@return rows with a single one} */
    static INDArray oneHot(int seed, int rows, int classes) {
        INDArray labels = Nd4j.zeros(DataType.FLOAT, rows, classes);
        SplittableRandom random = new SplittableRandom(seed);
        for (int row = 0; row < rows; row++) {
            labels.putScalar(row, random.nextInt(classes), 1);
        }
        return labels;
    }

    static INDArray scalar(double value) {
        return Nd4j.scalar(DataType.FLOAT, value);
    }
}
