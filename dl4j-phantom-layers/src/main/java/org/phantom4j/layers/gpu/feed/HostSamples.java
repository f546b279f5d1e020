package org.phantom4j.layers.gpu.feed;

import java.util.OptionalLong;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Samples in host memory, and the batches that are made of them.
 *
 * @param features [samples, inputs]; not changed while they are fed
 * @param labels [samples, outputs]; null where there are none
 * @param batch samples of a batch; the last of an epoch may have fewer
 * @param seed of the order, which differs from epoch to epoch ({@link org.phantom4j.layers.train.ShuffledRows}); empty: as they
 *     lie
 */
public record HostSamples(INDArray features, INDArray labels, int batch, OptionalLong seed) {

    /** An order is a buffer of ints. */
    private static final int MOST_ROWS = Integer.MAX_VALUE / Integer.BYTES;

    /** Refuses batches that cannot be, and more samples than there are numbers for. */
    public HostSamples {
        if (batch < 1) {
            throw new IllegalArgumentException("batches of " + batch + " samples: expected at least one");
        }
        if (features.size(0) > MOST_ROWS) {
            throw new IllegalArgumentException(String.format(
                    "%,d samples: the limit is %,d; use a DataSetIterator for more", features.size(0), MOST_ROWS));
        }
    }

    /** In another order each epoch. */
    public static HostSamples shuffled(INDArray features, INDArray labels, int batch, long seed) {
        return new HostSamples(features, labels, batch, OptionalLong.of(seed));
    }

    /** In the order in which they lie. */
    public static HostSamples inOrder(INDArray features, INDArray labels, int batch) {
        return new HostSamples(features, labels, batch, OptionalLong.empty());
    }

    /** The number of samples. */
    public int rows() {
        return (int) features.size(0);
    }
}
