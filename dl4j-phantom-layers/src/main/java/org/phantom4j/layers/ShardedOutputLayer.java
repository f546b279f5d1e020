package org.phantom4j.layers;

import java.util.Collection;
import java.util.Objects;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.ParamInitializer;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.BaseOutputLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.lossfunctions.ILossFunction;
import org.nd4j.linalg.lossfunctions.LossFunctions;

/**
 * A row-parallel output layer: each shard multiplies its slice of the inputs by its rows of the weights, an all-reduce adds
 * the partial results up, and every rank computes the same loss of the same outputs. The same function as an
 * {@code OutputLayer}, with any loss; made for outputs that are few, as in classification. An {@code OutputLayer} to all of
 * Deeplearning4j that asks for one.
 *
 * <p>Parameters: {@code W<j>} [nIn_j, nOut] of each shard, and {@code b} [1, nOut], which every rank has. What
 * Deeplearning4j does to a layer's W as a whole (constraints, gradient normalisation, IDENTITY weights) it does to all
 * shards' together.
 */
public final class ShardedOutputLayer extends OutputLayer implements ShardedLayer {

    private static final long serialVersionUID = 2L;

    private int shards;

    /** For JSON. */
    ShardedOutputLayer() {}

    private ShardedOutputLayer(Builder builder) {
        LayerSettings.copy(builder, this);
        setLossFn(builder.getLossFn());
        setHasBias(builder.isHasBias());
        this.shards = LayerSettings.requireShards(getClass(), builder.shards);
        initializeConstraints(builder);
    }

    @Override
    public int getShards() {
        return shards;
    }

    @Override
    public Layer instantiate(
            NeuralNetConfiguration conf,
            Collection<TrainingListener> listeners,
            int layerIndex,
            INDArray parameters,
            boolean initializeParameters,
            DataType type) {
        LayerSettings.requireUsable(this, layerIndex, type);
        ShardedOutputRuntime layer = new ShardedOutputRuntime(conf, type);
        layer.setListeners(listeners);
        layer.setIndex(layerIndex);
        layer.setParamsViewArray(parameters);
        layer.setParamTable(initializer().init(conf, parameters, initializeParameters));
        return layer;
    }

    @Override
    public ParamInitializer initializer() {
        return RowParallelInitializer.INSTANCE;
    }

    @Override
    public ShardedOutputLayer clone() {
        return (ShardedOutputLayer) super.clone();
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof ShardedOutputLayer other && super.equals(o) && shards == other.shards;
    }

    @Override
    protected boolean canEqual(Object o) {
        return o instanceof ShardedOutputLayer;
    }

    @Override
    public int hashCode() {
        return Objects.hash(super.hashCode(), shards);
    }

    @Override
    public String toString() {
        return "ShardedOutputLayer(shards=" + shards + ", super=" + super.toString() + ")";
    }

    /**
     * Builds the configuration; nIn may be left to the layer before, or to the network's input type. The activation is
     * softmax unless set, whatever the loss, as an {@code OutputLayer}'s.
     */
    @SuppressWarnings("unchecked") // Deeplearning4j declares <E extends Layer> E build()
    public static final class Builder extends BaseOutputLayer.Builder<Builder> {

        private Integer shards;

        /** Multi-class cross entropy, as Deeplearning4j's own. */
        public Builder() {
            activation(Activation.SOFTMAX);
        }

        /** With this loss. */
        public Builder(LossFunctions.LossFunction loss) {
            super(loss);
            activation(Activation.SOFTMAX);
        }

        /** With this loss. */
        public Builder(ILossFunction loss) {
            super(loss);
            activation(Activation.SOFTMAX);
        }

        /** The number of shards, p, of the inputs; required. */
        public Builder shards(int shards) {
            this.shards = shards;
            return this;
        }

        @Override
        public ShardedOutputLayer build() {
            return new ShardedOutputLayer(this);
        }
    }
}
