package org.phantom4j.cli.train;

import java.util.Arrays;
import java.util.Optional;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.layers.BaseOutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.cli.gpus.GpuMemory;
import org.phantom4j.comm.Mesh;
import org.phantom4j.data.Corpus;
import org.phantom4j.data.Samples;
import org.phantom4j.layers.gpu.GpuTrainer;
import org.phantom4j.layers.gpu.MemoryNeed;
import org.phantom4j.layers.train.FinishedLoss;
import org.phantom4j.layers.train.RankNetwork;
import org.phantom4j.layers.train.SampleTraining;
import org.phantom4j.layers.train.StepListener;
import org.phantom4j.layers.train.StepTrainer;
import org.phantom4j.ops.Products;

/** One rank's training of a network, step by step, with what it costs. Belongs to the rank's thread. */
final class RankTraining implements AutoCloseable {

    private static final int TEST_BATCH = 500;

    /** The GPU cuts them itself, and computes one piece while the host takes another. */
    private static final int GPU_TEST_BATCH = 4096;

    private final Mesh mesh;
    private final MultiLayerNetwork network;
    private final GpuMemory memory;

    /** Null where Deeplearning4j's layers train. */
    private GpuTrainer trainer;

    private SampleTraining training;
    private GpuUse gpuUse;
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
        this.memory = options.device.cuda() ? GpuMemory.open(options.device.ordinal(mesh.model())) : null;
        try {
            this.trainer = options.device
                    .trainer(network, mesh.model(), options.model.precision(), options.comm.timeout())
                    .orElse(null);
            StepTrainer steps = trainer == null ? StepTrainer.ofLayers(network, mesh.data()) : trainer;
            Samples train = corpus.train();
            this.training = steps.on(train.features(), train.labels(), options.model.batch(), options.model.seed());
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    MultiLayerNetwork network() {
        if (trainer != null && !stored) {
            trainer.store();
            stored = true;
        }
        return network;
    }

    /**
     * What the training took of its GPU's memory.
     *
     * @param need by formula
     * @param measured by the driver
     */
    record GpuUse(MemoryNeed need, GpuMemory.Use measured) {}

    /** Ends the training and frees the GPU; returns what it took there, null if no compiled step ran. The network stays. */
    GpuUse release() {
        if (trainer != null) {
            MultiLayerNetwork unused = network();
            memory.sample();
            MemoryNeed need = trainer.memoryNeed();
            closeTrainer();
            gpuUse = new GpuUse(need, memory.use());
        }
        return gpuUse;
    }

    /** Makes a step on the next batch; returns its loss before the update. */
    double step() {
        long bytes = mesh.bytesSent();
        long multiplyAdds = Products.multiplyAdds();
        double loss = steps(1, StepListener.NONE);
        lastBytes = trainer == null ? mesh.bytesSent() - bytes : trainer.bytesPerStep();
        lastMultiplyAdds = trainer == null ? Products.multiplyAdds() - multiplyAdds : trainer.multiplyAddsPerStep();
        return loss;
    }

    /** Makes that many steps, which need not wait for one another; returns the loss of the last. */
    double steps(long count, StepListener listener) {
        stored = false;
        try {
            return training.steps(count, listener);
        } catch (ArithmeticException e) {
            throw new ArithmeticException(e.getMessage() + " (--learning-rate)");
        }
    }

    /** How batches get to the GPU, in one line; empty without one. */
    Optional<String> feed() {
        return training.feed();
    }

    private static double finite(double value, String what) {
        if (!Double.isFinite(value)) {
            throw new ArithmeticException(
                    what + " is " + value + ": the training diverged; use a smaller --learning-rate");
        }
        return value;
    }

    /** Bytes that this rank sent in the last {@link #step}, as counted. */
    long lastBytes() {
        return lastBytes;
    }

    /** Multiply-adds that this rank did in the last {@link #step}, as counted. */
    long lastMultiplyAdds() {
        return lastMultiplyAdds;
    }

    /** Loss and, for classes, accuracy on samples: the replicas take turns, and every rank gets the result. */
    Score score(Samples samples, boolean classes) {
        double loss = 0;
        long right = 0;
        int turn = 0;
        int batch = trainer == null ? TEST_BATCH : GPU_TEST_BATCH;
        for (int from = 0; from < samples.size(); from += batch) {
            if (turn++ % mesh.data().size() == mesh.replica()) {
                Samples part = samples.range(from, (int) Math.min(from + batch, samples.size()));
                INDArray outputs = trainer == null ? null : trainer.output(part.features());
                loss += part.size() * (outputs == null ? lossOfLayers(part) : loss(outputs, part.labels()));
                if (classes) {
                    INDArray predicted = outputs == null ? network.output(part.features()) : outputs;
                    right += countRight(predicted, part.labels());
                }
            }
        }
        INDArray sums = Nd4j.createFromArray(loss, (double) right).castTo(DataType.DOUBLE);
        mesh.data().allReduce(sums);
        double size = samples.size();
        return new Score(
                size == 0 ? Double.NaN : finite(sums.getDouble(0) / size, "the test loss"),
                classes ? sums.getDouble(1) / size : null);
    }

    /**
     * Throws if a parameter of this rank is no number any more, or so large that the product of two is none: a model that must
     * not take the place of a good one.
     */
    void requireFinite() {
        INDArray parameters = network().params();
        double unused = finite(parameters.sumNumber().doubleValue(), "the sum of the parameters");
        float largest = parameters.amaxNumber().floatValue();
        unused = finite(largest * largest, "the largest parameter's square");
    }

    private double lossOfLayers(Samples samples) {
        return network.score(new DataSet(samples.features(), samples.labels()));
    }

    /** The mean loss of outputs that a GPU has computed. */
    private double loss(INDArray outputs, INDArray labels) {
        BaseOutputLayer end = (BaseOutputLayer) network.getLayerWiseConfigurations()
                .getConf(network.getnLayers() - 1)
                .getLayer();
        return FinishedLoss.mean(end, outputs, labels);
    }

    /** Frees the GPU. */
    @Override
    public void close() {
        closeTrainer();
        if (memory != null) {
            memory.close();
        }
    }

    private void closeTrainer() {
        if (training != null) {
            training.close();
            training = null;
        }
        if (trainer != null) {
            trainer.close();
            trainer = null;
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
