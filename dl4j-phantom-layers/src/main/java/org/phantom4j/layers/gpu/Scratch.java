package org.phantom4j.layers.gpu;

import java.util.ArrayList;
import java.util.List;
import org.phantom4j.ops.ShardRange;

/**
 * Memory that layers use one after the other. For each of the rank's shards: pre-activations, which in the backward pass
 * are the gradients that a layer hands down; deltas in both orders; and two of sample-major activations, from which a layer
 * reads and to which it writes.
 */
final class Scratch {

    private final List<Long> reals = new ArrayList<>();
    private final List<Long> deltaFeatures = new ArrayList<>();
    private final List<Long> deltaSamples = new ArrayList<>();
    private final List<List<Long>> samples = List.of(new ArrayList<>(), new ArrayList<>());

    Scratch(GpuMachine machine, Stack stack, ShardRange own, long batch, boolean training) {
        long values = batch * stack.widestShard();
        for (int i = 0; i < own.count(); i++) {
            reals.add(machine.allocateReals(values));
            samples.get(0).add(machine.allocateFactors(values));
            samples.get(1).add(machine.allocateFactors(values));
            if (training) {
                deltaFeatures.add(machine.allocateFactors(values));
                deltaSamples.add(machine.allocateFactors(values));
            }
        }
    }

    /** Pre-activations, or gradients of activations, of a rank's shard, feature-major. */
    long reals(int ownShard) {
        return reals.get(ownShard);
    }

    long deltaFeatures(int ownShard) {
        return deltaFeatures.get(ownShard);
    }

    long deltaSamples(int ownShard) {
        return deltaSamples.get(ownShard);
    }

    /** Sample-major inputs of a layer, by its number. */
    long samples(int layer, int ownShard) {
        return samples.get(layer & 1).get(ownShard);
    }
}
