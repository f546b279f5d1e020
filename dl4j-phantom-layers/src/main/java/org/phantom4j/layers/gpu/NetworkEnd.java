package org.phantom4j.layers.gpu;

import java.util.List;
import org.phantom4j.comm.cuda.CudaEvent;
import org.phantom4j.comm.cuda.CudaStream;
import org.phantom4j.comm.cuda.DeviceGroup;
import org.phantom4j.ops.ShardRange;

/** What comes after the last dense layer: outputs, the loss, and where the backward pass starts. */
abstract class NetworkEnd {

    final GpuMachine machine;
    final Stack stack;
    final ShardRange own;
    final long batch;
    final boolean training;

    /** The step's loss, a double on the device. */
    final long loss;

    private final GpuMachine.Exchange sum;
    private final CudaEvent partsThere;
    private final CudaEvent lossThere;

    NetworkEnd(StepLayout layout) {
        this.machine = layout.machine();
        this.stack = layout.stack();
        this.own = layout.own();
        this.batch = layout.batch();
        this.training = layout.training();
        this.loss = training ? machine.allocate(8) : 0;
        this.sum = machine.exchange();
        this.partsThere = machine.event();
        this.lossThere = machine.event();
    }

    /** Where the last layer's activations belong; null if only exact values are wanted. */
    abstract List<Activations> inputs();

    /** Where the last layer's exact activations belong, one of each own shard; null if only factors are wanted. */
    abstract List<Long> exactInputs();

    /** Outputs. */
    abstract void forward();

    /** The last dense layer's deltas and bias gradients, and the end's own gradients; the parts of the loss are there then. */
    abstract void backward(DenseStage last);

    /** Copies targets, as the host sent them, to where they belong: sample-major reals, {@code pitch} apart. */
    abstract void loadTargets(long from, long pitch);

    /** Width of the targets that this rank needs, and the first of them among all. */
    abstract long targetWidth();

    abstract long firstTarget();

    /** Brings the outputs together on every rank, behind what the main stream has been given; of a program without training. */
    abstract void gatherOutputs();

    /**
     * Copies the outputs, once gathered, to host memory.
     *
     * @param to address of [batch, outputs] reals in the order of {@link #outputOrder}
     */
    abstract void copyOutputs(long to);

    /** How outputs lie in memory: 'c' or 'f'. */
    abstract char outputOrder();

    /** Adds the parts of the loss that this rank knows. */
    abstract void sumLoss(CudaStream stream);

    /** The same, beside what the main stream is given from now on. */
    final void sumLoss() {
        partsThere.record(machine.main);
        machine.loss.await(partsThere);
        sumLoss(machine.loss);
    }

    /**
     * Sums what the ranks know of the loss, if each knows a part, and copies it to the host. To be called when the
     * last layer's exchange has started, so as not to delay that.
     *
     * @param host address of a double
     */
    final void startLoss(long host) {
        if (!stack.end().isOutputLayer()) {
            sum.startAllReduce(machine.loss, loss, 1, DeviceGroup.Type.DOUBLE);
            sum.await(machine.loss);
        }
        machine.loss.copy(host, loss, Double.BYTES);
        lossThere.record(machine.loss);
    }

    /** The main stream waits until the host has the loss. */
    final void awaitLoss() {
        machine.main.await(lossThere);
    }
}
