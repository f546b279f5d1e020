package org.phantom4j.examples.cli;

import java.util.Arrays;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.comm.Mesh;
import org.phantom4j.examples.data.Batches;
import org.phantom4j.examples.data.Corpus;
import org.phantom4j.examples.data.Samples;
import org.phantom4j.layers.gpu.GpuTrainer;
import org.phantom4j.layers.train.DataParallel;
import org.phantom4j.layers.train.RankNetwork;
import org.phantom4j.ops.Products;

/** One rank's training of a network, step by step, with what it costs. Belongs to the rank's thread. */
final class RankTraining implements AutoCloseable {

    private static final int TEST_BATCH = 500;

    private final Mesh mesh;
    private final MultiLayerNetwork network;
    private final DataParallel replicas;
    private final Batches batches;
    private final GpuTrainer trainer;
    private boolean stored;
    private long lastBytes;
    private long lastMultiplyAdds;

    /**
     * Called with the rank's row of the mesh as the current group.
     *
     * @param options of the training; the batch is that of all replicas together
     */
    RankTraining(Mesh mesh, MultiLayerConfiguration configuration, Corpus corpus, TrainingOptions options) {
        this.mesh = mesh;
        this.network = RankNetwork.create(configuration);
        this.replicas = DataParallel.join(network, mesh.data());
        this.batches = new Batches(corpus.train(), options.model.batch(), options.model.seed());
        this.trainer = options.device.trainer(network, mesh.model(), options).orElse(null);
    }

    MultiLayerNetwork network() {
        if (trainer != null && !stored) {
            trainer.store();
            stored = true;
        }
        return network;
    }

    /** Bytes of the GPU's memory that the training holds; 0 without a GPU. */
    long deviceBytes() {
        return trainer == null ? 0 : trainer.deviceBytes();
    }

    /** Trains on the next batch; returns its loss before the update. */
    double step() {
        DataSet data = batches.next();
        return finite(trainer == null ? stepOfLayers(data) : compiledStep(data));
    }

    private double compiledStep(DataSet data) {
        trainer.fit(data);
        stored = false;
        lastBytes = trainer.bytesPerStep();
        lastMultiplyAdds = trainer.multiplyAddsPerStep();
        return trainer.score();
    }

    private double stepOfLayers(DataSet data) {
        long bytes = mesh.bytesSent();
        long multiplyAdds = Products.multiplyAdds();
        replicas.fit(data);
        lastBytes = mesh.bytesSent() - bytes;
        lastMultiplyAdds = Products.multiplyAdds() - multiplyAdds;
        return network.score();
    }

    private static double finite(double loss) {
        if (Double.isNaN(loss) || Double.isInfinite(loss)) {
            throw new ArithmeticException(
                    "the loss is " + loss + ": the training diverged; use a smaller --learning-rate");
        }
        return loss;
    }

    /** Bytes that this rank sent in the last step, as counted. */
    long lastBytes() {
        return lastBytes;
    }

    /** Multiply-adds that this rank did in the last step, as counted. */
    long lastMultiplyAdds() {
        return lastMultiplyAdds;
    }

    /** Loss and, for classes, accuracy on samples: the replicas take turns, and every rank gets the result. */
    Score score(Samples samples, boolean classes) {
        double loss = 0;
        long right = 0;
        int turn = 0;
        for (int from = 0; from < samples.size(); from += TEST_BATCH) {
            if (turn++ % mesh.data().size() == mesh.replica()) {
                Samples part = samples.range(from, (int) Math.min(from + TEST_BATCH, samples.size()));
                loss += part.size() * network().score(new DataSet(part.features(), part.labels()));
                right += classes ? countRight(network().output(part.features()), part.labels()) : 0;
            }
        }
        INDArray sums = Nd4j.createFromArray(loss, (double) right).castTo(DataType.DOUBLE);
        mesh.data().allReduce(sums);
        double size = samples.size();
        return new Score(sums.getDouble(0) / size, classes ? sums.getDouble(1) / size : null);
    }

    /** Frees the GPU. */
    @Override
    public void close() {
        if (trainer != null) {
            trainer.close();
        }
    }

    /** How many rows have their largest output where the label is. */
    static long countRight(INDArray output, INDArray labels) {
        int[] predicted = output.argMax(1).toIntVector();
        int[] expected = labels.argMax(1).toIntVector();
        long right = 0;
        for (int i = 0; i < predicted.length; i++) {
            right += predicted[i] == expected[i] ? 1 : 0;
        }
        return right;
    }

    /**
     * A test result.
     *
     * @param accuracy share of right classes; null for a regression
     */
    record Score(double loss, Double accuracy) {}

    static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        int middle = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
