package org.phantom4j.layers;

import java.util.Collection;
import java.util.Objects;
import org.deeplearning4j.exception.DL4JInvalidConfigException;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.ParamInitializer;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.BaseOutputLayer;
import org.deeplearning4j.nn.params.EmptyParamInitializer;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.lossfunctions.ILossFunction;
import org.nd4j.linalg.lossfunctions.LossFunctions;

/**
 * A loss over sharded outputs, for regression with wide targets: each rank computes the loss of its own outputs against
 * its slice of the labels, and one number is added up over the ranks. It has no parameters; its width is that of the layer
 * before it. Losses that are a sum over the outputs: MSE, L2, MAE and L1, without weights.
 */
public final class ShardedLossLayer extends BaseOutputLayer implements ShardedLayer {

    private static final long serialVersionUID = 2L;

    private int shards;

    /** For JSON. */
    ShardedLossLayer() {}

    private ShardedLossLayer(Builder builder) {
        super(builder);
        this.shards = LayerSettings.requireShards(getClass(), builder.shards);
        OutputwiseLoss.require(getLossFn());
        if (!Activations.isOutputwise(getActivationFn())) {
            throw new IllegalArgumentException("a ShardedLossLayer computes activations of each output alone, not "
                    + getActivationFn() + ": end the network with a ShardedOutputLayer or an ordinary OutputLayer");
        }
    }

    @Override
    public int getShards() {
        return shards;
    }

    @Override
    public void setNIn(InputType inputType, boolean override) {
        super.setNIn(inputType, override);
        setNOut(getNIn());
    }

    @Override
    public InputType getOutputType(int layerIndex, InputType inputType) {
        return inputType;
    }

    @Override
    public Layer instantiate(
            NeuralNetConfiguration conf,
            Collection<TrainingListener> listeners,
            int layerIndex,
            INDArray parameters,
            boolean initializeParameters,
            DataType type) {
        if (getNIn() <= 0) {
            throw new DL4JInvalidConfigException("ShardedLossLayer (index=" + layerIndex + ", name=" + getLayerName()
                    + ") nIn=" + getNIn() + "; nIn must be > 0: give the network an input type, or the layer nIn");
        }
        setNOut(getNIn());
        LayerSettings.requireUsable(this, layerIndex, type);
        ShardedLossRuntime layer = new ShardedLossRuntime(conf, type);
        layer.setListeners(listeners);
        layer.setIndex(layerIndex);
        layer.setParamsViewArray(parameters);
        layer.setParamTable(initializer().init(conf, parameters, initializeParameters));
        return layer;
    }

    @Override
    public ParamInitializer initializer() {
        return EmptyParamInitializer.getInstance();
    }

    @Override
    public ShardedLossLayer clone() {
        return (ShardedLossLayer) super.clone();
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof ShardedLossLayer other && super.equals(o) && shards == other.shards;
    }

    @Override
    protected boolean canEqual(Object o) {
        return o instanceof ShardedLossLayer;
    }

    @Override
    public int hashCode() {
        return Objects.hash(super.hashCode(), shards);
    }

    @Override
    public String toString() {
        return "ShardedLossLayer(shards=" + shards + ", super=" + super.toString() + ")";
    }

    /** Builds the configuration; nIn may be left to the network's input type. The activation is identity unless set. */
    @SuppressWarnings("unchecked") // Deeplearning4j declares <E extends Layer> E build()
    public static final class Builder extends BaseOutputLayer.Builder<Builder> {

        private Integer shards;

        /** Mean squared error. */
        public Builder() {
            this(LossFunctions.LossFunction.MSE);
        }

        /** With this loss. */
        public Builder(LossFunctions.LossFunction loss) {
            this(loss.getILossFunction());
        }

        /** With this loss. */
        public Builder(ILossFunction loss) {
            super(loss);
            activation(Activation.IDENTITY);
        }

        /** The number of shards, p, of the layer before; required. */
        public Builder shards(int shards) {
            this.shards = shards;
            return this;
        }

        @Override
        public ShardedLossLayer build() {
            return new ShardedLossLayer(this);
        }
    }
}
