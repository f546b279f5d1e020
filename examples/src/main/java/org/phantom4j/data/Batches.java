package org.phantom4j.data;

import java.util.Arrays;
import org.nd4j.linalg.dataset.DataSet;
import org.phantom4j.layers.train.ShuffledRows;

/**
 * Training batches without end: every epoch all samples once, shuffled by the seed and the epoch. Ranks with the same seed
 * get the same batches. The last batch of an epoch may be smaller.
 */
public final class Batches {

    private final Samples samples;
    private final int batch;
    private final long seed;
    private int[] order;
    private int epoch = -1;
    private int next;

    /** Batches of {@code batch} samples. */
    public Batches(Samples samples, int batch, long seed) {
        this.samples = samples;
        this.batch = batch;
        this.seed = seed;
        startEpoch();
    }

    /** Batches of an epoch. */
    public static int perEpoch(Samples samples, int batch) {
        return (int) ((samples.size() + batch - 1) / batch);
    }

    /** The next batch; its arrays are copies. */
    public DataSet next() {
        if (next == order.length) {
            startEpoch();
        }
        int end = Math.min(next + batch, order.length);
        Samples rows = samples.rows(Arrays.copyOfRange(order, next, end));
        next = end;
        return new DataSet(rows.features(), rows.labels());
    }

    private void startEpoch() {
        epoch++;
        order = ShuffledRows.ofEpoch((int) samples.size(), seed, epoch);
        next = 0;
    }
}
