package org.phantom4j.layers.gpu;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import org.phantom4j.comm.cuda.CudaEvent;
import org.phantom4j.ops.PhantomGeometry;
import org.phantom4j.ops.ShardRange;
import org.phantom4j.ops.gpu.ElementwiseActivation;
import org.phantom4j.ops.gpu.Neurons;
import org.phantom4j.ops.gpu.Parameter;
import org.phantom4j.ops.gpu.TwoOrders;

/**
 * A dense layer on one rank. Its products are prepared once; {@link #forward} and {@link #backward} only start
 * them: what comes before and after is ordered by the machine's main stream.
 */
abstract class DenseStage {

    final GpuMachine machine;
    final DeviceParameters parameters;
    final Scratch scratch;
    final int index;
    final PhantomGeometry geometry;
    final ElementwiseActivation activation;
    final ShardRange own;
    final long batch;

    /** When this layer's steps have been made, and its deltas are not needed any more. */
    final CudaEvent updated;

    DenseStage(StepLayout layout, int index) {
        this.machine = layout.machine();
        this.parameters = layout.parameters();
        this.scratch = layout.scratch();
        this.index = index;
        Stack.Layer layer = layout.stack().layers().get(index);
        this.geometry = layer.geometry();
        this.activation = layer.activation();
        this.own = layout.own();
        this.batch = layout.batch();
        this.updated = machine.event();
    }

    /** Where the inputs of each of the rank's shards belong. */
    abstract List<Activations> inputs();

    /** Pre-activations without bias, into the scratch memory, from the inputs. */
    abstract void forward();

    /** From the scratch memory's deltas: what other ranks wait for. */
    void beginBackward() {
        // where there is something
    }

    /**
     * From the scratch memory's deltas: gradients or steps, and the deltas of the layer below.
     *
     * @param below null in the first layer
     * @param free when the place of those deltas is free; null: it is
     */
    abstract void backward(DenseStage below, CudaEvent free);

    /**
     * The gradients or steps that are left, after {@link #beginBackward} of the layer below: so they are not in the way of what
     * other ranks wait for. All are done when {@link #updated} is.
     */
    abstract void finishBackward();

    /** Runs the backward pass's collective once, outside of any recording: connections are made at the first use. */
    abstract void connect();

    /** The activations of all the rank's shards: from pre-activations to the next layer's inputs. */
    final void activate(List<Activations> to, List<Long> exact) {
        for (int i = 0; i < own.count(); i++) {
            TwoOrders orders = to == null ? TwoOrders.NOWHERE : to.get(i).orders();
            activate(i, orders, exact == null ? 0 : exact.get(i));
        }
    }

    /** The activations of one shard. */
    void activate(int ownShard, TwoOrders to, long exact) {
        machine.kernels.forwardActivation(machine.main, scratch.reals(ownShard), neurons(ownShard), to, exact);
    }

    /**
     * The deltas of the layer below.
     *
     * @param free see {@link #backward}
     */
    final void handDown(DenseStage below, CudaEvent free) {
        if (free != null) {
            machine.main.await(free);
        }
        for (int i = 0; i < own.count(); i++) {
            handDown(below, i);
        }
    }

    /** The deltas of one shard of the layer below. */
    abstract void handDown(DenseStage below, int ownShard);

    /**
     * This layer's deltas, and its bias's gradient or step, from what is above it.
     *
     * @param gradient of this layer's activations
     * @param narrow whether it is stored as factors are
     * @param activations feature-major factors
     */
    final void takeDelta(int ownShard, long gradient, boolean narrow, long activations) {
        machine.kernels.backwardActivation(
                machine.main, gradient, narrow, activations, neurons(ownShard), delta(ownShard), parameters.rate());
    }

    final Neurons neurons(int ownShard) {
        return new Neurons(bias(ownShard), activation, batch, outWidth(ownShard));
    }

    final TwoOrders delta(int ownShard) {
        return new TwoOrders(deltaFeatures(ownShard), deltaSamples(ownShard));
    }

    final long deltaFeatures(int ownShard) {
        return scratch.deltaFeatures(index, ownShard);
    }

    final long deltaSamples(int ownShard) {
        return scratch.deltaSamples(index, ownShard);
    }

    final long outWidth(int ownShard) {
        return geometry.out().width(own.first() + ownShard);
    }

    final long inWidth(int ownShard) {
        return geometry.in().width(own.first() + ownShard);
    }

    final Parameter bias(int ownShard) {
        return parameters.get(index + "_b" + (own.first() + ownShard));
    }

    final Parameter parameter(String letter, int ownShard) {
        return parameters.get(index + "_" + letter + (own.first() + ownShard));
    }

    /** A list with one entry for each of the rank's shards. */
    final <T> List<T> forOwnShards(IntFunction<T> make) {
        List<T> all = new ArrayList<>();
        for (int i = 0; i < own.count(); i++) {
            all.add(make.apply(i));
        }
        return List.copyOf(all);
    }
}
