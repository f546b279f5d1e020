package org.phantom4j.layers;

import java.util.Collection;
import java.util.Objects;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.FeedForwardLayer;
import org.deeplearning4j.nn.conf.memory.LayerMemoryReport;
import org.deeplearning4j.nn.conf.memory.MemoryReport;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The configuration that phantom- and tensor-parallel dense layers share. A {@code DenseLayer} to all of Deeplearning4j that
 * asks for one: widths, preprocessors and input types are inferred as for it. Not thread-safe, as all of Deeplearning4j's.
 *
 * <p>An activation that is not a function of each output alone (softmax, RReLU, a user's own) is computed of all shards'
 * outputs, which costs two all-gathers of them on several ranks. So is layer normalisation, at the cost of four values a
 * sample.
 */
public abstract class ShardedDenseLayer extends DenseLayer implements ShardedLayer {

    private static final long serialVersionUID = 2L;

    private int shards;

    /** For JSON. */
    protected ShardedDenseLayer() {}

    /** From a builder. Whoever extends this calls {@code initializeConstraints} when all is set. */
    protected ShardedDenseLayer(Builder<?> builder) {
        LayerSettings.copy(builder, this);
        setHasBias(builder.hasBias);
        setHasLayerNorm(builder.hasLayerNorm);
        this.shards = LayerSettings.requireShards(getClass(), builder.shards);
    }

    @Override
    public int getShards() {
        return shards;
    }

    /** The layer that computes, without parameters. */
    abstract DenseRuntime<?> newRuntime(NeuralNetConfiguration conf, DataType type);

    @Override
    public Layer instantiate(
            NeuralNetConfiguration conf,
            Collection<TrainingListener> listeners,
            int layerIndex,
            INDArray parameters,
            boolean initializeParameters,
            DataType type) {
        LayerSettings.requireUsable(this, layerIndex, type);
        DenseRuntime<?> layer = newRuntime(conf, type);
        layer.setListeners(listeners);
        layer.setIndex(layerIndex);
        layer.setParamsViewArray(parameters);
        layer.setParamTable(initializer().init(conf, parameters, initializeParameters));
        return layer;
    }

    @Override
    public LayerMemoryReport getMemoryReport(InputType inputType) {
        long parameters = initializer().numParams(this);
        InputType output = getOutputType(-1, inputType);
        return new LayerMemoryReport.Builder(getLayerName(), getClass(), inputType, output)
                .standardMemory(parameters, getIUpdater().stateSize(parameters))
                .workingMemory(0, 0, 0, output.arrayElementsPerExample())
                .cacheMemory(MemoryReport.CACHE_MODE_ALL_ZEROS, MemoryReport.CACHE_MODE_ALL_ZEROS)
                .build();
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof ShardedDenseLayer other && super.equals(o) && shards == other.shards;
    }

    @Override
    protected boolean canEqual(Object o) {
        return o != null && o.getClass() == getClass();
    }

    @Override
    public int hashCode() {
        return Objects.hash(super.hashCode(), shards);
    }

    /** The class, the shards, and what a DenseLayer says. */
    @Override
    public String toString() {
        return getClass().getSimpleName() + "(shards=" + shards + ", super=" + super.toString() + ")";
    }

    /** What the builders share: all of {@code DenseLayer}'s, and the shards. */
    public abstract static class Builder<T extends Builder<T>> extends FeedForwardLayer.Builder<T> {

        private Integer shards;
        private boolean hasBias = true;
        private boolean hasLayerNorm;

        /**
         * The number of shards, p; required. The layer's widths must each have at least p neurons; they need not be divisible.
         */
        @SuppressWarnings("unchecked")
        public T shards(int shards) {
            this.shards = shards;
            return (T) this;
        }

        /** Whether there are biases; there are unless told otherwise. */
        @SuppressWarnings("unchecked")
        public T hasBias(boolean hasBias) {
            this.hasBias = hasBias;
            return (T) this;
        }

        /**
         * Whether the outputs before bias and activation are normalised, those of all shards together, and multiplied by
         * gains {@code g<j>} [1, nOut_j]; they are not unless told.
         */
        @SuppressWarnings("unchecked")
        public T hasLayerNorm(boolean hasLayerNorm) {
            this.hasLayerNorm = hasLayerNorm;
            return (T) this;
        }
    }
}
