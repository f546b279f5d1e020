package org.phantom4j.layers;

import java.util.Collection;
import java.util.Objects;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.FeedForwardLayer;
import org.deeplearning4j.nn.conf.layers.LayerValidation;
import org.deeplearning4j.nn.conf.memory.LayerMemoryReport;
import org.deeplearning4j.nn.conf.memory.MemoryReport;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.nd4j.linalg.activations.impl.ActivationRReLU;
import org.nd4j.linalg.activations.impl.ActivationSoftmax;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The configuration that phantom- and tensor-parallel dense layers share. Not thread-safe, as all of Deeplearning4j's. */
public abstract class ShardedDenseLayer extends FeedForwardLayer implements ShardedLayer {

    private static final long serialVersionUID = 1L;

    private int shards;
    private boolean gatherOutput = true;
    private boolean inputGradient = true;

    /** For JSON. */
    protected ShardedDenseLayer() {}

    /** From a builder. */
    protected ShardedDenseLayer(Builder<?> builder) {
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

    /** Whether each rank hands on the outputs of all ranks, not only its own. */
    public boolean isGatherOutput() {
        return gatherOutput;
    }

    /**
     * Sets whether each rank hands on the outputs of all ranks. Needed where an ordinary layer follows; where sharded
     * layers follow, it costs an all-gather that nobody needs. See {@link CommunicationPlan}.
     */
    public void setGatherOutput(boolean gatherOutput) {
        this.gatherOutput = gatherOutput;
    }

    @Override
    public boolean isInputGradient() {
        return inputGradient;
    }

    @Override
    public void setInputGradient(boolean inputGradient) {
        this.inputGradient = inputGradient;
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
        LayerValidation.assertNInNOutSet(getClass().getSimpleName(), getLayerName(), layerIndex, getNIn(), getNOut());
        if (getActivationFn() instanceof ActivationSoftmax || getActivationFn() instanceof ActivationRReLU) {
            throw new IllegalArgumentException(getClass().getSimpleName() + " " + layerIndex + ": activation "
                    + getActivationFn() + " is not a function of each output alone, so shards cannot compute it;"
                    + " softmax belongs into a ShardedOutputLayer");
        }
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
        return o instanceof ShardedDenseLayer other
                && super.equals(o)
                && shards == other.shards
                && gatherOutput == other.gatherOutput
                && inputGradient == other.inputGradient;
    }

    @Override
    protected boolean canEqual(Object o) {
        return o != null && o.getClass() == getClass();
    }

    @Override
    public int hashCode() {
        return Objects.hash(super.hashCode(), shards, gatherOutput, inputGradient);
    }

    /** What the builders share. */
    public abstract static class Builder<T extends Builder<T>> extends FeedForwardLayer.Builder<T> {

        private int shards = 1;

        /** The number of shards, p. The layer's widths must each have at least p neurons; they need not be divisible. */
        @SuppressWarnings("unchecked")
        public T shards(int shards) {
            this.shards = shards;
            return (T) this;
        }
    }
}
