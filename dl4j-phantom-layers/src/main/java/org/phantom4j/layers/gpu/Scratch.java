package org.phantom4j.layers.gpu;

import java.util.ArrayList;
import java.util.List;
import org.phantom4j.ops.ShardRange;
import org.phantom4j.ops.gpu.StreamedProducts;

/**
 * Memory that layers use one after the other. For each of the rank's shards: pre-activations, which in the backward pass
 * are the gradients that a layer hands down; deltas in both orders, twice, since a layer's steps may still read them while
 * the layer below gets its own; two of sample-major activations, from which a layer reads and to which it writes; and of few
 * samples, the phantom part of pre-activations, apart from the local one.
 */
final class Scratch {

    private final List<Long> reals = new ArrayList<>();
    private final List<Long> phantoms = new ArrayList<>();
    private final List<Long> arrivals = new ArrayList<>();
    private final List<List<Long>> deltaFeatures = List.of(new ArrayList<>(), new ArrayList<>());
    private final List<List<Long>> deltaSamples = List.of(new ArrayList<>(), new ArrayList<>());
    private final List<List<Long>> samples = List.of(new ArrayList<>(), new ArrayList<>());

    Scratch(GpuMachine machine, Stack stack, ShardRange own, long batch, boolean training) {
        long values = batch * stack.widestShard();
        StreamedProducts streamed = machine.kernels.streamed();
        boolean few = streamed != null && streamed.suits(batch) && stack.shards() > 1;
        for (int i = 0; i < own.count(); i++) {
            reals.add(machine.allocateReals(values));
            phantoms.add(few ? machine.allocateReals(values) : 0);
            arrivals.add(few ? machine.allocate(4 * StreamedProducts.arrivals(stack.widestShard())) : 0);
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

    /** The phantom part of pre-activations, for {@link StreamedProducts.End}. */
    long phantoms(int ownShard) {
        return phantoms.get(ownShard);
    }

    /** Counters for the same. */
    long arrivals(int ownShard) {
        return arrivals.get(ownShard);
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
