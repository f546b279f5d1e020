package org.phantom4j.layers.gpu.stages;

import org.phantom4j.comm.cuda.CudaEvent;
import org.phantom4j.comm.cuda.CudaStream;
import org.phantom4j.comm.cuda.DeviceGroup;
import org.phantom4j.layers.gpu.device.DeviceArena;
import org.phantom4j.layers.gpu.device.Exchange;
import org.phantom4j.layers.gpu.device.GpuMachine;
import org.phantom4j.layers.gpu.plan.Stack;
import org.phantom4j.ops.ShardRange;
import org.phantom4j.ops.gpu.StepControls;
import org.phantom4j.ops.gpu.StepLog;
import org.phantom4j.ops.gpu.TwoOrders;

/** What comes after the last dense layer: outputs, the loss, and its gradient. */
public abstract class NetworkEnd {

    final GpuMachine machine;
    final DeviceArena arena;
    final Stack stack;
    final StepControls controls;
    final ShardRange own;
    final long batch;
    final boolean training;

    /** A double. */
    final long loss;

    private final Exchange sum;
    private final CudaEvent partsThere;
    private final CudaEvent lossThere;

    NetworkEnd(StageContext context) {
        this.machine = context.machine();
        this.arena = context.arena();
        this.stack = context.stack();
        this.controls = context.parameters().controls();
        this.own = context.own();
        this.batch = context.batch();
        this.training = context.training();
        this.loss = training ? arena.allocate(Double.BYTES) : 0;
        this.sum = arena.exchange();
        this.partsThere = arena.event();
        this.lossThere = arena.event();
    }

    /** The end of a stack. */
    public static NetworkEnd of(StageContext context) {
        return context.stack().end().isOutputLayer() ? new OutputEnd(context) : new SquaredEnd(context);
    }

    /** Where the last layer's activations belong; nowhere if only exact values are wanted. */
    public abstract TwoOrders inputs();

    /** Where the last layer's exact activations belong, feature-major; 0 if only factors are wanted. */
    public abstract long exactInputs();

    /** Brings the step's targets to where they belong, if they are not read where they are. */
    public abstract void loadTargets();

    /** Outputs. */
    public abstract void forward();

    /** The last dense layer's deltas and bias gradients, and the end's own gradients; the parts of the loss are there then. */
    public abstract void backward(DenseStage last);

    /** Width of the targets that this rank needs. */
    public abstract long targetWidth();

    /** The first of them among all. */
    public abstract long firstTarget();

    /**
     * Brings the outputs together on every rank, behind what the main stream has been given; of a program without training.
     * Returns their address: [batch, outputs] reals, sample-major without gaps.
     */
    public abstract long gatherOutputs();

    /** Adds the parts of the loss that this rank knows. */
    abstract void sumLoss(CudaStream stream);

    /** The same, beside what the main stream is given from now on. */
    public final void sumLoss() {
        partsThere.record(machine.main);
        machine.loss.await(partsThere);
        sumLoss(machine.loss);
    }

    /**
     * Sums what the ranks know of the loss, if each knows a part. To be called when the last layer's exchange has started, so as
     * not to delay that.
     *
     * @param log of the host's, where the loss is written; null: nowhere
     */
    public final void startLoss(StepLog log) {
        if (!stack.end().isOutputLayer()) {
            sum.startAllReduce(machine.loss, loss, 1, DeviceGroup.Type.DOUBLE);
            sum.await(machine.loss);
        }
        if (log != null) {
            log.report(machine.kernels, machine.loss, controls, loss);
        }
        lossThere.record(machine.loss);
    }

    /** The main stream waits until the loss is there. */
    public final void awaitLoss() {
        machine.main.await(lossThere);
    }
}
