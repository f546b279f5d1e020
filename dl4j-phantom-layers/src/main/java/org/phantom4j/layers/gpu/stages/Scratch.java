package org.phantom4j.layers.gpu.stages;

import org.phantom4j.layers.gpu.device.DeviceArena;
import org.phantom4j.layers.gpu.device.GpuMachine;
import org.phantom4j.layers.gpu.plan.Stack;
import org.phantom4j.ops.ShardRange;
import org.phantom4j.ops.gpu.FewSamples;
import org.phantom4j.ops.gpu.TwoOrders;

/**
 * Memory that layers use one after the other: pre-activations, which in the backward pass are the gradients that a layer hands
 * down; deltas in both orders, twice, since a layer's steps may still read them while the layer below gets its own; two of
 * sample-major activations, from which a layer reads and to which it writes; and of few samples, the parts of pre-activations.
 */
public final class Scratch {

    private final long reals;
    private final FewSamples.Parts parts;
    private final TwoOrders[] deltas = new TwoOrders[2];
    private final long[] samples = new long[2];

    /** For the widest layer of a stack. */
    public Scratch(GpuMachine machine, DeviceArena arena, Stack stack, ShardRange own, long batch, boolean training) {
        long widest = stack.widest(own);
        long values = batch * widest;
        this.reals = arena.allocateReals(values);
        long partReals = partReals(machine, stack, own, batch);
        this.parts = partReals == 0
                ? null
                : new FewSamples.Parts(
                        arena.allocateReals(partReals), arena.allocate(FewSamples.counters(widest) * Integer.BYTES));
        for (int parity = 0; parity < 2; parity++) {
            samples[parity] = arena.allocateFactors(values);
            deltas[parity] = training
                    ? new TwoOrders(arena.allocateFactors(values), arena.allocateFactors(values))
                    : TwoOrders.NOWHERE;
        }
    }

    /** Reals that the parts of pre-activations of few samples need; 0: the batch is larger, or there is one shard. */
    public static long partReals(GpuMachine machine, Stack stack, ShardRange own, long batch) {
        FewSamples few = machine.kernels.fewSamples();
        return few != null && few.suits(batch) && stack.shards() > 1 ? few.partReals(batch, stack.widest(own)) : 0;
    }

    /** Pre-activations, or gradients of activations, feature-major. */
    long reals() {
        return reals;
    }

    /** The parts of pre-activations of few samples. */
    FewSamples.Parts parts() {
        return parts;
    }

    /** Deltas of a layer, by its number. */
    TwoOrders deltas(int layer) {
        return deltas[layer & 1];
    }

    /** Sample-major inputs of a layer, by its number. */
    long samples(int layer) {
        return samples[layer & 1];
    }
}
