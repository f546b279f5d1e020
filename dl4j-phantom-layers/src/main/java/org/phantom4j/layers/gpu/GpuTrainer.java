package org.phantom4j.layers.gpu;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.phantom4j.comm.cuda.DeviceGroup;
import org.phantom4j.layers.gpu.device.GpuMachine;
import org.phantom4j.layers.gpu.feed.Feed;
import org.phantom4j.layers.gpu.feed.FeedLoop;
import org.phantom4j.layers.gpu.feed.Feeds;
import org.phantom4j.layers.gpu.feed.HostSamples;
import org.phantom4j.layers.gpu.parameters.DeviceParameters;
import org.phantom4j.layers.gpu.parameters.HostParameters;
import org.phantom4j.layers.gpu.plan.Stack;
import org.phantom4j.layers.gpu.plan.StackParser;
import org.phantom4j.layers.gpu.program.ForwardPass;
import org.phantom4j.layers.gpu.program.HostRows;
import org.phantom4j.layers.gpu.program.StepProgram;
import org.phantom4j.layers.gpu.program.Training;
import org.phantom4j.layers.train.SampleTraining;
import org.phantom4j.layers.train.StepListener;
import org.phantom4j.layers.train.StepTrainer;
import org.phantom4j.ops.ShardRange;
import org.phantom4j.ops.gpu.Precision;
import org.phantom4j.ops.gpu.StepControls;

/**
 * Trains one rank's network on its GPU with a compiled step: the same results as {@code network.fit}, up to rounding,
 * without ND4J on the way. The network's arrays are read at the start and written by {@link #store}; in between, the
 * parameters are the device's.
 *
 * <pre>{@code
 * try (GpuTrainer trainer = new GpuTrainer(network, DeviceGroup.single(), options)) {
 *     trainer.fit(iterator, 10);
 *     trainer.store();
 * }
 * }</pre>
 *
 * <p>{@link #fit(DataSet)} returns when a step is under way; {@link #score} waits for it. A network's listeners are called after each step,
 * with its score and iteration, and make each step wait: of the parameters they see those of the last {@link #store}.
 *
 * <p>Batches may have any size: a smaller one takes the step of a larger one, so that an epoch's last batch costs no more than the
 * others, and memory does not grow with the number of sizes.
 *
 * <p>Threads: the rank's own.
 */
public final class GpuTrainer implements StepTrainer {

    /** Rows that {@link #output} computes at a time. */
    private static final int ROWS = 256;

    private final MultiLayerNetwork network;
    private final GpuOptions options;
    private final GpuMachine machine;
    private final Stack stack;
    private final ShardRange own;
    private final DeviceParameters parameters;
    private final Training training;
    private final List<Feed> feeds = new ArrayList<>();
    private double rate;
    private ForwardPass forward;
    private int steps;

    /**
     * Copies a network's parameters and updater state to the device.
     *
     * @param network this rank's ({@link org.phantom4j.layers.train.RankNetwork})
     * @throws IllegalArgumentException if the compiled step does not do this network; see {@link #obstacle}
     * @throws org.phantom4j.comm.cuda.CudaException if there is no such device, or no room on it
     */
    public GpuTrainer(MultiLayerNetwork network, DeviceGroup group, GpuOptions options) {
        this.network = network;
        this.options = options;
        this.stack = requireStack(network.getLayerWiseConfigurations(), group.size(), options.precision());
        this.rate = stack.update().rate();
        this.own = ShardRange.of(group.rank(), group.size(), stack.shards());
        this.machine = new GpuMachine(options.device(), group, options.precision());
        try {
            this.parameters = new DeviceParameters(machine, stack, own, true);
            this.training = new Training(machine, stack, own, parameters, options.timeout());
            load();
        } catch (RuntimeException e) {
            RuntimeException explained =
                    MemoryNeed.ofRank(machine, stack, own, true).explain(e);
            machine.close();
            throw explained;
        }
    }

    /** What of a network the compiled step does not do, in words; empty if it does it all. */
    public static Optional<String> obstacle(MultiLayerConfiguration configuration, int ranks, Precision precision) {
        try {
            StackParser.parse(configuration, ranks, precision);
            return Optional.empty();
        } catch (StackParser.UnsupportedStackException e) {
            return Optional.of(e.getMessage());
        }
    }

    /** The network as a compiled step sees it. */
    static Stack requireStack(MultiLayerConfiguration configuration, int ranks, Precision precision) {
        try {
            return StackParser.parse(configuration, ranks, precision);
        } catch (StackParser.UnsupportedStackException e) {
            throw new IllegalArgumentException("the compiled step does not do this network: " + e.getMessage(), e);
        }
    }

    /**
     * Starts a step on a batch. A collective: every rank calls it with the same samples. The arrays may change when it returns.
     *
     * @param batch whole features and labels, [B, n]
     * @throws IllegalArgumentException if there are more or fewer labels than features, they have other widths, or masks
     * @throws org.phantom4j.comm.cuda.CudaException if the device has no room for a batch of this size
     */
    public void fit(DataSet batch) {
        BatchCheck.require(batch);
        long rows = batch.getFeatures().size(0);
        long inputs = stack.layers().get(0).geometry().nIn();
        HostRows features = HostRows.of(batch.getFeatures(), machine.precision, inputs, "features");
        HostRows labels =
                HostRows.of(batch.getLabels(), machine.precision, stack.end().width(), "labels");
        training.start(program(rows), features, labels, rows, rate);
        made();
    }

    /** Counts a step, and tells the listeners. */
    private void made() {
        int iteration = network.getIterationCount();
        if (!network.getListeners().isEmpty()) {
            network.setScore(score());
            for (TrainingListener listener : network.getListeners()) {
                listener.iterationDone(network, iteration, network.getEpochCount());
            }
        }
        network.setIterationCount(iteration + 1);
        steps++;
    }

    /**
     * Trains on an iterator's batches, epoch by epoch, as {@code network.fit(iterator, epochs)} does. Batches are prepared by host
     * threads and copied while steps run; no step waits for another, but where the network has listeners. A collective: every rank's
     * iterator gives the same batches.
     *
     * @param iterator used by a thread of the trainer's until this returns; what it throws is thrown here, after the steps before
     * @throws IllegalArgumentException if a batch does not fit the network, or has masks; the message names it
     * @throws ArithmeticException if a loss is no finite number; the message names the step
     */
    public void fit(DataSetIterator iterator, int epochs) {
        Feed feed = Feeds.of(training.feedDevice(), training.columns(), iterator);
        feeds.add(feed);
        try {
            FeedLoop loop = new FeedLoop(new TrainerSteps(training, this::start), feed);
            for (int epoch = 0; epoch < epochs; epoch++) {
                network.getListeners().forEach(listener -> listener.onEpochStart(network));
                loop.epochs(1, StepListener.NONE);
                network.getListeners().forEach(listener -> listener.onEpochEnd(network));
                network.incrementEpochCount();
            }
        } finally {
            close(feed);
        }
    }

    /** Frees a feed once the steps that read it are done, or have failed. */
    private void close(Feed feed) {
        training.settle();
        feed.close();
        feeds.remove(feed);
    }

    /** {@inheritDoc} They stay on the device where they fit, each rank's columns; else they are streamed. */
    @Override
    public SampleTraining on(INDArray features, INDArray labels, int batch, long seed) {
        HostSamples samples = HostSamples.shuffled(features, labels, batch, seed);
        prepare(Math.min(batch, samples.rows()));
        long reserved = MemoryNeed.ofBatch(machine, stack, own, false, ROWS).total();
        Feed feed = Feeds.of(training.feedDevice(), training.columns(), samples, reserved);
        feeds.add(feed);
        return new FedTraining(new TrainerSteps(training, this::start), feed, this::close);
    }

    private void start(StepControls.Batch batch) {
        training.start(program(batch.rows()), batch, rate);
        made();
    }

    @Override
    public double step(DataSet batch) {
        fit(batch);
        return score();
    }

    /**
     * Records the step for a size of batch, which {@link #fit} does at its first use otherwise. A collective: every rank
     * calls it.
     */
    public void prepare(long rows) {
        StepProgram unused = program(rows);
    }

    private StepProgram program(long rows) {
        try {
            return training.program(rows);
        } catch (RuntimeException e) {
            throw memoryNeed()
                    .plus(MemoryNeed.ofBatch(machine, stack, own, true, rows))
                    .explain(e);
        }
    }

    /**
     * Computes the network's outputs with the parameters as they are now. A collective: every rank calls it with the same
     * rows.
     *
     * @param features whole features, [rows, n]
     * @return [rows, outputs] on every rank, in 'c' order, of the network's type
     */
    @Override
    public INDArray output(INDArray features) {
        if (forward == null) {
            try {
                forward = new ForwardPass(machine, stack, parameters, own, ROWS, options.timeout());
            } catch (RuntimeException e) {
                throw memoryNeed()
                        .plus(MemoryNeed.ofBatch(machine, stack, own, false, ROWS))
                        .explain(e);
            }
        }
        return forward.outputs(features);
    }

    /**
     * Reads parameters, updater state and the learning rate from the network again; steps since the last {@link #store} are lost.
     *
     * @throws IllegalArgumentException if the network has been given other layers or another updater
     */
    @Override
    public void load() {
        Stack now = requireStack(network.getLayerWiseConfigurations(), machine.group.size(), options.precision());
        if (!now.layers().equals(stack.layers()) || !now.update().differsInRateOnly(stack.update())) {
            throw new IllegalArgumentException("the network was changed from " + stack.update() + " to " + now.update()
                    + ", or its layers were: make another trainer for it");
        }
        rate = now.update().rate();
        network.setIterationCount(network.getIterationCount() - steps);
        steps = 0;
        training.restart(network.getIterationCount());
        HostParameters.load(machine, parameters, network);
    }

    /** The loss of the last step, before its update: that of the whole network, the same on every rank. Waits for it. */
    public double score() {
        return training.loss();
    }

    /**
     * The number of the first step, counted as the network's iterations are, whose loss was no finite number; empty if there was none
     * among those that are done. Waits for nothing.
     */
    public Optional<Long> failedStep() {
        long failed = training.log().failed();
        return failed == 0 ? Optional.empty() : Optional.of(failed);
    }

    /** What this rank's training needs of device memory, by formula, for what it has recorded so far. */
    public MemoryNeed memoryNeed() {
        MemoryNeed need = MemoryNeed.ofRank(machine, stack, own, true);
        for (StepProgram program : training.recorded()) {
            need = need.plus(MemoryNeed.ofBatch(machine, stack, own, true, program.capacity()));
        }
        need = need.plus(new MemoryNeed(0, 0, 0, fedBytes()));
        return forward == null ? need : need.plus(MemoryNeed.ofBatch(machine, stack, own, false, ROWS));
    }

    /** Bytes of device memory that this rank's training holds. */
    public long deviceBytes() {
        return machine.memory.bytes()
                + machine.products.workspaceBytes()
                + training.deviceBytes()
                + fedBytes()
                + (forward == null ? 0 : forward.deviceBytes());
    }

    private long fedBytes() {
        return feeds.stream().mapToLong(Feed::deviceBytes).sum();
    }

    /** Bytes that this rank sends in a step like the last. */
    public long bytesPerStep() {
        return training.last() == null ? 0 : training.last().bytesSent();
    }

    /** Multiply-adds of this rank's products in a step like the last. */
    public long multiplyAddsPerStep() {
        return training.last() == null ? 0 : training.last().multiplyAdds();
    }

    /** Kernels, copies and collectives of the last step. */
    public long nodes() {
        return training.last() == null ? 0 : training.last().nodes();
    }

    /** Writes parameters and updater state back to the network. */
    @Override
    public void store() {
        training.awaitAll();
        HostParameters.store(machine, parameters, network);
        steps = 0;
    }

    /** Frees the device's memory. What was not {@link #store}d is lost. */
    @Override
    public void close() {
        List.copyOf(feeds).forEach(this::close);
        training.close();
        if (forward != null) {
            forward.close();
        }
        machine.close();
    }
}
