package org.phantom4j.layers;

import java.util.function.ToLongFunction;
import org.deeplearning4j.exception.DL4JInvalidConfigException;
import org.deeplearning4j.nn.conf.layers.FeedForwardLayer;
import org.deeplearning4j.nn.conf.layers.LayerValidation;
import org.nd4j.linalg.api.buffer.DataType;

/** What the configurations of sharded layers have in common that Deeplearning4j's class tree leaves no place for. */
final class LayerSettings {

    private LayerSettings() {}

    /**
     * Copies what Deeplearning4j's constructors copy. Those of DenseLayer and OutputLayer take their own builders only, whose
     * methods would return them and not ours.
     */
    static void copy(FeedForwardLayer.Builder<?> from, FeedForwardLayer to) {
        to.setLayerName(from.getLayerName());
        to.setIDropout(from.getIDropout());
        to.setActivationFn(from.getActivationFn());
        to.setWeightInitFn(from.getWeightInitFn());
        to.setBiasInit(from.getBiasInit());
        to.setGainInit(from.getGainInit());
        to.setRegularization(from.getRegularization());
        to.setRegularizationBias(from.getRegularizationBias());
        to.setIUpdater(from.getIupdater());
        to.setBiasUpdater(from.getBiasUpdater());
        to.setGradientNormalization(from.getGradientNormalization());
        to.setGradientNormalizationThreshold(from.getGradientNormalizationThreshold());
        to.setWeightNoise(from.getWeightNoise());
        to.setNIn(from.getNIn());
        to.setNOut(from.getNOut());
    }

    /** The shards of a builder; null if they were never set. */
    static int requireShards(Class<?> layer, Integer shards) {
        if (shards == null) {
            throw new IllegalArgumentException(layer.getSimpleName()
                    + ": shards is not set: give the builder shards(p), a number that the ranks divide");
        }
        if (shards < 1) {
            throw new IllegalArgumentException("shards must be at least 1, not " + shards);
        }
        return shards;
    }

    /**
     * Refuses what a sharded layer cannot be made of, before it is made.
     *
     * @throws DL4JInvalidConfigException if a width is not known, or too small for the shards
     * @throws IllegalArgumentException if its type is not FLOAT or DOUBLE
     */
    static void requireUsable(FeedForwardLayer layer, int index, DataType type) {
        String kind = layer.getClass().getSimpleName();
        LayerValidation.assertNInNOutSet(kind, layer.getLayerName(), index, layer.getNIn(), layer.getNOut());
        requireWidths(layer);
        if (type != DataType.FLOAT && type != DataType.DOUBLE) {
            throw new IllegalArgumentException(name(layer) + " computes in FLOAT or DOUBLE, not " + type
                    + ": give the configuration dataType(DataType.FLOAT)");
        }
    }

    /** The layer's parameters, or none as long as its widths are not known: it is refused when it is instantiated. */
    static long numParams(FeedForwardLayer layer, ToLongFunction<FeedForwardLayer> count) {
        if (layer.getNIn() <= 0 || layer.getNOut() <= 0) {
            return 0;
        }
        requireWidths(layer);
        return count.applyAsLong(layer);
    }

    private static void requireWidths(FeedForwardLayer layer) {
        int shards = ((ShardedLayer) layer).getShards();
        boolean cutsOutputs = !(layer instanceof ShardedOutputLayer);
        if (layer.getNIn() < shards || (cutsOutputs && layer.getNOut() < shards)) {
            boolean input = layer.getNIn() < shards;
            throw new DL4JInvalidConfigException(name(layer) + " has " + (input ? "nIn=" : "nOut=")
                    + (input ? layer.getNIn() : layer.getNOut()) + ", which cannot be cut into " + shards
                    + " shards: every shard needs at least one neuron");
        }
    }

    /** A layer in words for the user. */
    static String name(FeedForwardLayer layer) {
        return layer.getClass().getSimpleName() + " (name="
                + (layer.getLayerName() == null ? "(name not set)" : layer.getLayerName()) + ")";
    }
}
