package org.phantom4j.layers.train;

import java.util.Arrays;
import java.util.Optional;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;

/** Steps on batches that are copied from the samples one by one. */
final class BatchTraining implements SampleTraining {

    private final StepTrainer trainer;
    private final INDArray features;
    private final INDArray labels;
    private final int batch;
    private final long seed;
    private int[] order = {};
    private long epoch;
    private int next;
    private long step;
    private double loss = Double.NaN;

    BatchTraining(StepTrainer trainer, INDArray features, INDArray labels, int batch, long seed) {
        this.trainer = trainer;
        this.features = features;
        this.labels = labels;
        this.batch = batch;
        this.seed = seed;
    }

    @Override
    public double steps(long count, StepListener listener) {
        for (long i = 0; i < count; i++) {
            loss = trainer.step(next());
            if (!Double.isFinite(loss)) {
                throw new ArithmeticException("the loss of step " + step + " is " + loss
                        + ": the training diverged; use a smaller learning rate");
            }
            listener.done(step++, loss);
        }
        return loss;
    }

    private DataSet next() {
        if (next == order.length) {
            order = ShuffledRows.ofEpoch(Math.toIntExact(features.size(0)), seed, epoch++);
            next = 0;
        }
        int end = Math.min(next + batch, order.length);
        int[] rows = Arrays.copyOfRange(order, next, end);
        next = end;
        return new DataSet(Nd4j.pullRows(features, 1, rows), Nd4j.pullRows(labels, 1, rows));
    }

    @Override
    public Optional<String> feed() {
        return Optional.empty();
    }

    @Override
    public void close() {
        // holds nothing
    }
}
