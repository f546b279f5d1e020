package org.phantom4j.layers;

import java.util.Collection;
import java.util.Objects;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.ParamInitializer;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.BaseOutputLayer;
import org.deeplearning4j.nn.conf.layers.LayerValidation;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.lossfunctions.ILossFunction;
import org.nd4j.linalg.lossfunctions.LossFunctions;

/**
 * A row-parallel output layer: each shard multiplies its slice of the inputs by its rows of the weights, an all-reduce adds
 * the partial results up, and every rank computes the same loss of the same outputs. The same function as an
 * {@code OutputLayer}, with any loss; made for outputs that are few, as in classification.
 *
 * <p>Parameters: {@code W<j>} [nIn_j, nOut] of each shard, and {@code b} [1, nOut], which every rank has.
 */
public final class ShardedOutputLayer extends BaseOutputLayer implements ShardedLayer {

    private static final long serialVersionUID = 1L;

    private int shards;
    private boolean inputGradient = true;

    /** For JSON. */
    ShardedOutputLayer() {}

    private ShardedOutputLayer(Builder builder) {
        super(builder);
        this.shards = builder.shards;
        if (shards < 1) {
            throw new IllegalArgumentException("shards must be at least 1, not " + shards);
        }
        initializeConstraints(builder);
    }

    @Override
    public int getShards() {
        return shards;
    }

    @Override
    public boolean isInputGradient() {
        return inputGradient;
    }

    @Override
    public void setInputGradient(boolean inputGradient) {
        this.inputGradient = inputGradient;
    }

    @Override
    public Layer instantiate(
            NeuralNetConfiguration conf,
            Collection<TrainingListener> listeners,
            int layerIndex,
            INDArray parameters,
            boolean initializeParameters,
            DataType type) {
        LayerValidation.assertNInNOutSet("ShardedOutputLayer", getLayerName(), layerIndex, getNIn(), getNOut());
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
        return o instanceof ShardedOutputLayer other
                && super.equals(o)
                && shards == other.shards
                && inputGradient == other.inputGradient;
    }

    @Override
    protected boolean canEqual(Object o) {
        return o instanceof ShardedOutputLayer;
    }

    @Override
    public int hashCode() {
        return Objects.hash(super.hashCode(), shards, inputGradient);
    }

    /** Builds the configuration; nIn may be left to the network's input type. */
    @SuppressWarnings("unchecked") // Deeplearning4j declares <E extends Layer> E build()
    public static final class Builder extends BaseOutputLayer.Builder<Builder> {

        private int shards = 1;

        /** Multi-class cross entropy, as Deeplearning4j's own. */
        public Builder() {}

        /** With this loss. */
        public Builder(LossFunctions.LossFunction loss) {
            super(loss);
        }

        /** With this loss. */
        public Builder(ILossFunction loss) {
            super(loss);
        }

        /** The number of shards, p, of the inputs. */
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
