package org.phantom4j.layers.gpu.stages;

import org.phantom4j.comm.cuda.CudaEvent;
import org.phantom4j.layers.gpu.device.DeviceArena;
import org.phantom4j.layers.gpu.device.GpuMachine;
import org.phantom4j.layers.gpu.parameters.DeviceParameters;
import org.phantom4j.layers.gpu.plan.Stack;
import org.phantom4j.ops.PhantomGeometry;
import org.phantom4j.ops.ShardRange;
import org.phantom4j.ops.gpu.ElementwiseActivation;
import org.phantom4j.ops.gpu.Neurons;
import org.phantom4j.ops.gpu.Parameter;
import org.phantom4j.ops.gpu.ShardWidths;
import org.phantom4j.ops.gpu.StepControls;
import org.phantom4j.ops.gpu.TwoOrders;

/**
 * A dense layer on one rank, all shards of it at once. Its products are prepared once; {@link #forward} and {@link #backward}
 * only start them: what comes before and after is ordered by the machine's main stream.
 */
public abstract class DenseStage {

    final GpuMachine machine;
    final DeviceArena arena;
    final DeviceParameters parameters;
    final StepControls controls;
    final Scratch scratch;
    final int index;
    final PhantomGeometry geometry;
    final ElementwiseActivation activation;
    final ShardRange own;
    final ShardWidths in;
    final ShardWidths out;
    final long batch;

    /** When this layer's steps have been made, and its deltas are not needed any more. */
    private final CudaEvent updated;

    DenseStage(StageContext context, int index) {
        this.machine = context.machine();
        this.arena = context.arena();
        this.parameters = context.parameters();
        this.controls = parameters.controls();
        this.scratch = context.scratch();
        this.index = index;
        Stack.Layer layer = context.stack().layers().get(index);
        this.geometry = layer.geometry();
        this.activation = layer.activation();
        this.own = context.own();
        this.in = ShardWidths.of(geometry.in(), own);
        this.out = ShardWidths.of(geometry.out(), own);
        this.batch = context.batch();
        this.updated = arena.event();
    }

    /** The layer of a stack with that number. */
    public static DenseStage of(StageContext context, int index) {
        return context.stack().layers().get(index).phantom()
                ? new PhantomStage(context, index)
                : new TensorStage(context, index);
    }

    /** Where the inputs of the rank's shards belong. */
    public abstract TwoOrders inputs();

    /** How they lie. */
    public final ShardWidths inputWidths() {
        return in;
    }

    /** Pre-activations without bias, into the scratch memory, from the inputs. */
    public abstract void forward();

    /** From the scratch memory's deltas: what other ranks wait for. */
    public void beginBackward() {
        // where there is something
    }

    /**
     * From the scratch memory's deltas: gradients or steps, and the deltas of the layer below.
     *
     * @param below null in the first layer
     * @param free the layer whose steps read the place of those deltas; null: none
     */
    public abstract void backward(DenseStage below, DenseStage free);

    /**
     * The gradients or steps that are left, after {@link #beginBackward} of the layer below: so they are not in the way of what
     * other ranks wait for.
     */
    public final void finishBackward() {
        startLastSteps();
        updated.record(machine.weights);
    }

    /** Starts them; the stream for weights is behind all of them then. */
    abstract void startLastSteps();

    /** The main stream waits until all steps of this layer are made. */
    public final void awaitSteps() {
        machine.main.await(updated);
    }

    /** Runs the backward pass's collective once, outside of any recording: connections are made at the first use. */
    public abstract void connect();

    /**
     * Activations, from pre-activations.
     *
     * @param to the next layer's inputs
     * @param exact where they go as reals, feature-major; 0: nowhere
     */
    public void activate(TwoOrders to, long exact) {
        machine.kernels.forwardActivation(machine.main, scratch.reals(), neurons(), to, exact);
    }

    /** The deltas of the layer below, once their place is free. */
    final void handDown(DenseStage below, DenseStage free) {
        if (free != null) {
            free.awaitSteps();
        }
        handDown(below);
    }

    /** The deltas of the layer below. */
    abstract void handDown(DenseStage below);

    /**
     * This layer's deltas, and its bias's gradient or step, from what is above it.
     *
     * @param gradient of this layer's activations
     * @param narrow whether it is stored as factors are
     * @param activations feature-major factors
     */
    final void takeDelta(long gradient, boolean narrow, long activations) {
        machine.kernels.backwardActivation(
                machine.main, controls, scratch.biasParts(), gradient, narrow, activations, neurons(), deltas());
    }

    final Neurons neurons() {
        return new Neurons(parameters.get(index, "b"), activation, batch, out);
    }

    final TwoOrders deltas() {
        return scratch.deltas(index);
    }

    final Parameter parameter(String letter) {
        return parameters.get(index, letter);
    }

    /** Address of columns of a feature-major matrix of factors. */
    final long column(long matrix, long number) {
        return matrix + number * batch * machine.precision.factorBytes();
    }
}
