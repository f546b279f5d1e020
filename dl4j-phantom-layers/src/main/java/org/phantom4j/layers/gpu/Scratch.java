package org.phantom4j.layers.gpu;

import java.util.ArrayList;
import java.util.List;
import org.phantom4j.ops.ShardRange;
import org.phantom4j.ops.gpu.FewSamples;

/**
 * Memory that layers use one after the other. For each of the rank's shards: pre-activations, which in the backward pass
 * are the gradients that a layer hands down; deltas in both orders, twice, since a layer's steps may still read them while
 * the layer below gets its own; two of sample-major activations, from which a layer reads and to which it writes; and of few
 * samples, the parts of pre-activations.
 */
final class Scratch {

    private final List<Long> reals = new ArrayList<>();
    private final List<FewSamples.Parts> parts = new ArrayList<>();
    private final List<List<Long>> deltaFeatures = List.of(new ArrayList<>(), new ArrayList<>());
    private final List<List<Long>> deltaSamples = List.of(new ArrayList<>(), new ArrayList<>());
    private final List<List<Long>> samples = List.of(new ArrayList<>(), new ArrayList<>());

    Scratch(GpuMachine machine, Stack stack, ShardRange own, long batch, boolean training) {
        long values = batch * stack.widestShard();
        long partReals = machine.partReals(stack, batch);
        long counters = FewSamples.counters(stack.widestShard());
        for (int i = 0; i < own.count(); i++) {
            reals.add(machine.allocateReals(values));
            parts.add(
                    partReals == 0
                            ? null
                            : new FewSamples.Parts(
                                    machine.allocateReals(partReals), machine.allocate(counters * Integer.BYTES)));
            for (int parity = 0; parity < 2; parity++) {
                samples.get(parity).add(machine.allocateFactors(values));
                if (training) {
                    deltaFeatures.get(parity).add(machine.allocateFactors(values));
                    deltaSamples.get(parity).add(machine.allocateFactors(values));
                }
            }
        }
    }

    /** Pre-activations, or gradients of activations, of a rank's shard, feature-major. */
    long reals(int ownShard) {
        return reals.get(ownShard);
    }

    /** The parts of pre-activations of few samples. */
    FewSamples.Parts parts(int ownShard) {
        return parts.get(ownShard);
    }

    /** Deltas of a layer, by its number, feature-major. */
    long deltaFeatures(int layer, int ownShard) {
        return deltaFeatures.get(layer & 1).get(ownShard);
    }

    /** The same, sample-major. */
    long deltaSamples(int layer, int ownShard) {
        return deltaSamples.get(layer & 1).get(ownShard);
    }

    /** Sample-major inputs of a layer, by its number. */
    long samples(int layer, int ownShard) {
        return samples.get(layer & 1).get(ownShard);
    }
}
