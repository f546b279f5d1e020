package org.phantom4j.layers.gpu;

import java.lang.ref.Reference;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.phantom4j.comm.cuda.DeviceGroup;
import org.phantom4j.layers.train.StepTrainer;
import org.phantom4j.ops.ShardRange;
import org.phantom4j.ops.gpu.Precision;

/**
 * Trains one rank's network on its GPU with a compiled step: the same results as {@code network.fit}, up to rounding,
 * without ND4J on the way. The network's arrays are read at the start and written by {@link #store}; in between, the
 * parameters are the device's.
 *
 * <pre>{@code
 * try (GpuTrainer trainer = new GpuTrainer(network, DeviceGroup.single(), options)) {
 *     for (DataSet batch : batches) {
 *         trainer.fit(batch);
 *     }
 *     trainer.store();
 * }
 * }</pre>
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
    private final Map<Long, StepProgram> programs = new HashMap<>();
    private ForwardPass forward;
    private StepProgram last;
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
        this.own = ShardRange.of(group.rank(), group.size(), stack.shards());
        this.machine = new GpuMachine(options.device(), group, options.precision());
        try {
            this.parameters = new DeviceParameters(machine, stack, own, true);
            HostParameters.load(machine, parameters, network);
        } catch (RuntimeException e) {
            RuntimeException explained = machine.need(stack, own, true).explain(e);
            machine.close();
            throw explained;
        }
    }

    /** What of a network the compiled step does not do, in words; empty if it does it all. */
    public static Optional<String> obstacle(MultiLayerConfiguration configuration, int ranks, Precision precision) {
        try {
            stack(configuration, ranks, precision);
            return Optional.empty();
        } catch (StackParser.UnsupportedStackException e) {
            return Optional.of(e.getMessage());
        }
    }

    /** The network as a compiled step sees it. */
    static Stack requireStack(MultiLayerConfiguration configuration, int ranks, Precision precision) {
        try {
            return stack(configuration, ranks, precision);
        } catch (StackParser.UnsupportedStackException e) {
            throw new IllegalArgumentException("the compiled step does not do this network: " + e.getMessage(), e);
        }
    }

    private static Stack stack(MultiLayerConfiguration configuration, int ranks, Precision precision)
            throws StackParser.UnsupportedStackException {
        Stack stack = StackParser.parse(configuration);
        boolean uneven = stack.layers().stream()
                .anyMatch(layer -> !layer.phantom()
                        && layer.geometry().nIn() % layer.geometry().shards() != 0);
        if (ranks > 1 && uneven) {
            throw new StackParser.UnsupportedStackException(
                    "the widths of its tensor-parallel layers are not multiples of the shards");
        }
        DataType wanted = precision == Precision.FP64 ? DataType.DOUBLE : DataType.FLOAT;
        DataType type = configuration.getConf(0).getDataType();
        if (type != wanted) {
            throw new StackParser.UnsupportedStackException(
                    "its data type is " + type + ", but precision " + precision + " needs " + wanted);
        }
        return stack;
    }

    /**
     * Makes a step on a batch. A collective: every rank calls it with the same samples.
     *
     * @param batch whole features and labels, [B, n], without masks
     * @throws IllegalArgumentException if there are more or fewer labels than features, they have other widths, or there is a mask
     * @throws org.phantom4j.comm.cuda.CudaException if the device has no room for a batch of this size; the trainer keeps what
     *     it took for it until it is closed
     */
    public void fit(DataSet batch) {
        BatchCheck.require(batch);
        long rows = batch.getFeatures().size(0);
        StepProgram program = program(rows);
        HostRows features = HostRows.of(batch.getFeatures(), machine.precision, inputs());
        HostRows labels =
                HostRows.of(batch.getLabels(), machine.precision, stack.end().width());
        try {
            program.loadInputs(features.address(), features.pitch());
            program.loadTargets(labels.address(), labels.pitch());
            program.start();
            last = program;
            steps++;
            machine.await(options.timeout());
        } finally {
            // the device copies from the host's arrays until here
            Reference.reachabilityFence(features);
            Reference.reachabilityFence(labels);
        }
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
    public void prepare(long batch) {
        program(batch);
    }

    private StepProgram program(long batch) {
        StepProgram program = programs.get(batch);
        if (program == null) {
            MemoryNeed need = memoryNeed().plus(machine.need(stack, own, true, batch));
            try {
                program = new StepProgram(machine, stack, parameters, own, batch, true);
            } catch (RuntimeException e) {
                throw need.explain(e);
            }
            programs.put(batch, program);
        }
        return program;
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
            MemoryNeed need = memoryNeed().plus(machine.need(stack, own, false, ROWS));
            try {
                forward = new ForwardPass(machine, stack, parameters, own, ROWS, options.timeout());
            } catch (RuntimeException e) {
                throw need.explain(e);
            }
        }
        return forward.outputs(features);
    }

    /** Reads parameters and updater state from the network again; steps since the last {@link #store} are lost. */
    @Override
    public void load() {
        HostParameters.load(machine, parameters, network);
        steps = 0;
    }

    private long inputs() {
        return stack.layers().get(0).geometry().nIn();
    }

    /** The loss of the last step, before its update: that of the whole network, the same on every rank. */
    public double score() {
        if (last == null) {
            throw new IllegalStateException("no step has been made yet");
        }
        return last.loss();
    }

    /** What this rank's training needs of device memory, by formula, for what it has recorded so far. */
    public MemoryNeed memoryNeed() {
        MemoryNeed need = machine.need(stack, own, true);
        for (long batch : programs.keySet()) {
            need = need.plus(machine.need(stack, own, true, batch));
        }
        return forward == null ? need : need.plus(machine.need(stack, own, false, ROWS));
    }

    /** Bytes of device memory that this rank's training holds. */
    public long deviceBytes() {
        return machine.allocatedBytes();
    }

    /** Bytes that this rank sends in a step like the last. */
    public long bytesPerStep() {
        return last == null ? 0 : last.bytesSent();
    }

    /** Multiply-adds of this rank's products in a step like the last. */
    public long multiplyAddsPerStep() {
        return last == null ? 0 : last.multiplyAdds();
    }

    /** Kernels, copies and collectives of the last step. */
    public long nodes() {
        return last == null ? 0 : last.nodes();
    }

    /** Writes parameters, updater state and the number of steps back to the network. */
    @Override
    public void store() {
        HostParameters.store(machine, parameters, network);
        network.setIterationCount(network.getIterationCount() + steps);
        steps = 0;
    }

    /** Frees the device's memory. What was not {@link #store}d is lost. */
    @Override
    public void close() {
        programs.values().forEach(StepProgram::close);
        if (forward != null) {
            forward.close();
        }
        machine.close();
    }

    /** Requires [B, width]. */
    static void requireShape(INDArray array, long width, String what) {
        if (array.rank() != 2 || array.size(1) != width) {
            throw new IllegalArgumentException(
                    what + " have shape " + Arrays.toString(array.shape()) + ": expected [batch, " + width + "]");
        }
    }
}
