package org.phantom4j.layers.gpu;

import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.phantom4j.comm.cuda.DeviceGroup;
import org.phantom4j.layers.gpu.device.GpuMachine;
import org.phantom4j.layers.gpu.parameters.DeviceParameters;
import org.phantom4j.layers.gpu.parameters.HostParameters;
import org.phantom4j.layers.gpu.plan.Stack;
import org.phantom4j.layers.gpu.program.ForwardPass;
import org.phantom4j.ops.ShardRange;

/**
 * Runs one rank's network on its GPU with a compiled forward pass: the outputs of {@code network.output}, up to rounding.
 * Holds parameters and the activations of a batch, but neither gradients nor updater state.
 *
 * <pre>{@code
 * try (GpuPredictor predictor = new GpuPredictor(network, DeviceGroup.single(), options, 128)) {
 *     INDArray outputs = predictor.output(features);
 * }
 * }</pre>
 *
 * <p>Threads: the rank's own.
 */
public final class GpuPredictor implements AutoCloseable {

    private final GpuMachine machine;
    private final ForwardPass pass;

    /**
     * Copies a network's parameters to the device and records the forward pass. A collective: every rank calls it.
     *
     * @param network this rank's ({@link org.phantom4j.layers.train.RankNetwork}); not read afterwards
     * @param batch rows that are computed at a time
     * @throws IllegalArgumentException if the compiled pass does not do this network; see {@link GpuTrainer#obstacle}
     * @throws org.phantom4j.comm.cuda.CudaException if there is no such device, or no room on it
     */
    public GpuPredictor(MultiLayerNetwork network, DeviceGroup group, GpuOptions options, int batch) {
        Stack stack = GpuTrainer.requireStack(network.getLayerWiseConfigurations(), group.size(), options.precision());
        ShardRange own = ShardRange.of(group.rank(), group.size(), stack.shards());
        this.machine = new GpuMachine(options.device(), group, options.precision());
        try {
            DeviceParameters parameters = new DeviceParameters(machine, stack, own, false);
            HostParameters.load(machine, parameters, network);
            this.pass = new ForwardPass(machine, stack, parameters, own, batch, options.timeout());
        } catch (RuntimeException e) {
            RuntimeException explained = MemoryNeed.ofRank(machine, stack, own, false)
                    .plus(MemoryNeed.ofBatch(machine, stack, own, false, batch))
                    .explain(e);
            machine.close();
            throw explained;
        }
    }

    /**
     * Computes outputs. A collective: every rank calls it with the same rows.
     *
     * @param features whole features, [rows, n]
     * @return [rows, outputs] on every rank, in 'c' order, of the network's type
     */
    public INDArray output(INDArray features) {
        return pass.outputs(features);
    }

    /** Bytes of device memory that this rank holds. */
    public long deviceBytes() {
        return machine.memory.bytes() + machine.products.workspaceBytes() + pass.deviceBytes();
    }

    /** Frees the device's memory. */
    @Override
    public void close() {
        pass.close();
        machine.close();
    }
}
