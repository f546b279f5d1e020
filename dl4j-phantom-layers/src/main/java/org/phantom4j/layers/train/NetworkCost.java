package org.phantom4j.layers.train;

import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.layers.BaseOutputLayer;
import org.deeplearning4j.nn.conf.layers.FeedForwardLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.phantom4j.layers.CommunicationPlan;
import org.phantom4j.layers.PhantomDenseLayer;
import org.phantom4j.layers.ShardedDenseLayer;
import org.phantom4j.layers.ShardedLayer;
import org.phantom4j.layers.ShardedLossLayer;
import org.phantom4j.layers.ShardedOutputLayer;
import org.phantom4j.layers.TensorParallelDenseLayer;
import org.phantom4j.ops.LayerCost;
import org.phantom4j.ops.PhantomGeometry;

/**
 * What one training step of a network costs all ranks together, by formula: parameters of the whole model, multiply-adds of
 * its products, bytes between ranks. For feed-forward stacks of sharded and of Deeplearning4j's dense, output and loss
 * layers, without regularisation.
 */
public final class NetworkCost {

    /** The score of a {@link ShardedLossLayer} is added up in double precision. */
    private static final int SCORE_BYTES = 8;

    private NetworkCost() {}

    /**
     * The cost of one step.
     *
     * @param configuration of a network that is planned ({@link CommunicationPlan}), as {@link RankNetwork} makes it
     * @param elementBytes bytes of a value
     * @throws IllegalArgumentException for a layer of a kind that is not listed above
     */
    public static LayerCost of(MultiLayerConfiguration configuration, int ranks, long batch, int elementBytes) {
        return of(configuration, ranks, batch, elementBytes, elementBytes);
    }

    /**
     * The same where sums are sent in another type than activations.
     *
     * @param sumBytes bytes of a value of an output layer's sums
     */
    public static LayerCost of(
            MultiLayerConfiguration configuration, int ranks, long batch, int elementBytes, int sumBytes) {
        LayerCost total = LayerCost.ZERO;
        CommunicationPlan plan = CommunicationPlan.of(configuration, ranks);
        boolean wholeInput = true;
        for (int i = 0; i < configuration.getConfs().size(); i++) {
            Layer layer = configuration.getConf(i).getLayer();
            total = total.plus(of(layer, plan.needsInputGradient(i), ranks, batch, elementBytes, sumBytes));
            if (layer instanceof ShardedLayer && wholeInput && plan.needsInputGradient(i)) {
                long width = ((FeedForwardLayer) layer).getNIn();
                total = total.plus(bytes(0, (ranks - 1) * width * batch * elementBytes));
            }
            if (layer instanceof ShardedDenseLayer dense && plan.gathersOutput(i)) {
                total = total.plus(bytes((ranks - 1) * dense.getNOut() * batch * elementBytes, 0));
            }
            wholeInput = !(layer instanceof ShardedDenseLayer) || plan.gathersOutput(i);
        }
        return total;
    }

    private static LayerCost of(
            Layer layer, boolean inputGradient, int ranks, long batch, int elementBytes, int sumBytes) {
        if (layer instanceof PhantomDenseLayer phantom) {
            return phantom.geometry().phantomCost(ranks, batch, inputGradient, elementBytes);
        }
        if (layer instanceof TensorParallelDenseLayer tensor) {
            PhantomGeometry geometry = tensor.geometry();
            return geometry.tensorCost(ranks, batch, inputGradient, elementBytes);
        }
        if (layer instanceof ShardedLossLayer) {
            return bytes(2L * (ranks - 1) * SCORE_BYTES, 0);
        }
        if (layer instanceof LossLayer) {
            return LayerCost.ZERO;
        }
        if (layer instanceof ShardedOutputLayer output) {
            long values = batch * output.getNOut();
            return dense(output, output.hasBias(), batch, inputGradient)
                    .plus(bytes(2L * (ranks - 1) * values * sumBytes, 0));
        }
        if (layer instanceof BaseOutputLayer output) {
            return dense(output, output.hasBias(), batch, true);
        }
        if (layer instanceof org.deeplearning4j.nn.conf.layers.DenseLayer dense) {
            return dense(dense, dense.hasBias(), batch, true);
        }
        throw new IllegalArgumentException(
                "no formula for the cost of a " + layer.getClass().getSimpleName());
    }

    private static LayerCost dense(FeedForwardLayer layer, boolean bias, long batch, boolean inputGradient) {
        long weights = layer.getNIn() * layer.getNOut();
        return new LayerCost(
                weights + (bias ? layer.getNOut() : 0),
                batch * weights,
                (inputGradient ? 2 : 1) * batch * weights,
                0,
                0);
    }

    private static LayerCost bytes(long forward, long backward) {
        return new LayerCost(0, 0, 0, forward, backward);
    }
}
