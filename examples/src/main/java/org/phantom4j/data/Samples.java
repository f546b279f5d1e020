package org.phantom4j.data;

import java.util.stream.IntStream;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Samples in memory, one a row.
 *
 * @param features [samples, inputs]
 * @param labels [samples, outputs]: one-hot classes, or targets; null where there are none
 */
public record Samples(INDArray features, INDArray labels) {

    /** The number of samples. */
    public long size() {
        return features.size(0);
    }

    /** These rows, in this order, copied. */
    public Samples rows(int... rows) {
        return new Samples(Nd4j.pullRows(features, 1, rows), labels == null ? null : Nd4j.pullRows(labels, 1, rows));
    }

    /** Rows {@code from} to {@code to} − 1. */
    public Samples range(int from, int to) {
        return rows(IntStream.range(from, to).toArray());
    }
}
