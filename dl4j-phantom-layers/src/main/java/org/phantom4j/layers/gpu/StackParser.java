package org.phantom4j.layers.gpu;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.deeplearning4j.nn.conf.BackpropType;
import org.deeplearning4j.nn.conf.GradientNormalization;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.BaseLayer;
import org.deeplearning4j.nn.conf.layers.BaseOutputLayer;
import org.deeplearning4j.nn.conf.layers.FeedForwardLayer;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.activations.impl.ActivationIdentity;
import org.nd4j.linalg.activations.impl.ActivationSoftmax;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.ILossFunction;
import org.nd4j.linalg.lossfunctions.impl.LossMCXENT;
import org.nd4j.linalg.lossfunctions.impl.LossMSE;
import org.phantom4j.layers.PhantomDenseLayer;
import org.phantom4j.layers.ShardedDenseLayer;
import org.phantom4j.layers.ShardedLossLayer;
import org.phantom4j.layers.ShardedOutputLayer;
import org.phantom4j.layers.TensorParallelDenseLayer;
import org.phantom4j.ops.gpu.ElementwiseActivation;

/** Reads a configuration as a {@link Stack}, or says what in it the compiled step does not do. */
final class StackParser {

    /** What stands in the way, in words for the user. */
    static final class UnsupportedStackException extends Exception {
        private static final long serialVersionUID = 1L;

        UnsupportedStackException(String message) {
            super(message);
        }
    }

    private final MultiLayerConfiguration configuration;

    private StackParser(MultiLayerConfiguration configuration) {
        this.configuration = configuration;
    }

    static Stack parse(MultiLayerConfiguration configuration) throws UnsupportedStackException {
        return new StackParser(configuration).parse();
    }

    private Stack parse() throws UnsupportedStackException {
        int count = configuration.getConfs().size();
        require(count >= 2, "it has no dense layer before its end");
        require(configuration.getBackpropType() == BackpropType.Standard, "it is trained through time");
        List<Stack.Layer> layers = new ArrayList<>();
        for (int i = 0; i + 1 < count; i++) {
            layers.add(layer(i));
        }
        for (Stack.Layer layer : layers) {
            require(layer.geometry().shards() == layers.get(0).geometry().shards(), "its layers differ in shards");
        }
        return new Stack(List.copyOf(layers), end(count - 1, layers), update());
    }

    private Stack.Layer layer(int index) throws UnsupportedStackException {
        BaseLayer layer = plain(index);
        if (!(layer instanceof ShardedDenseLayer dense)) {
            throw new UnsupportedStackException(
                    "layer " + index + " is a " + layer.getClass().getSimpleName());
        }
        require(dense.hasBias(), "layer " + index + " has no bias");
        require(!dense.hasLayerNorm(), "layer " + index + " has layer normalisation");
        ElementwiseActivation activation = ElementwiseActivation.of(dense.getActivationFn())
                .orElseThrow(() ->
                        new UnsupportedStackException("layer " + index + " has activation " + dense.getActivationFn()));
        return dense instanceof PhantomDenseLayer phantom
                ? new Stack.Layer(true, phantom.geometry(), activation)
                : new Stack.Layer(false, ((TensorParallelDenseLayer) dense).geometry(), activation);
    }

    private Stack.End end(int index, List<Stack.Layer> layers) throws UnsupportedStackException {
        BaseLayer layer = plain(index);
        long width = layers.get(layers.size() - 1).geometry().nOut();
        if (layer instanceof ShardedLossLayer loss) {
            require(
                    loss.getLossFn() instanceof LossMSE && loss.getActivationFn() instanceof ActivationIdentity,
                    "it ends with loss " + loss.getLossFn() + " of activation " + loss.getActivationFn());
            return new Stack.End(Stack.End.Kind.SQUARED, width, false);
        }
        if (layer instanceof ShardedOutputLayer output) {
            return new Stack.End(kind(output), ((FeedForwardLayer) output).getNOut(), output.hasBias());
        }
        throw new UnsupportedStackException("it ends with a " + layer.getClass().getSimpleName());
    }

    private static Stack.End.Kind kind(BaseOutputLayer output) throws UnsupportedStackException {
        ILossFunction loss = output.getLossFn();
        IActivation activation = output.getActivationFn();
        if (loss instanceof LossMCXENT entropy
                && entropy.getWeights() == null
                && activation instanceof ActivationSoftmax) {
            return Stack.End.Kind.SOFTMAX;
        }
        if (loss instanceof LossMSE squared
                && squared.getWeights() == null
                && activation instanceof ActivationIdentity) {
            return Stack.End.Kind.OUTPUT_SQUARED;
        }
        throw new UnsupportedStackException("it ends with loss " + loss + " of activation " + activation);
    }

    /** A layer that has nothing which the compiled step leaves out. */
    private BaseLayer plain(int index) throws UnsupportedStackException {
        NeuralNetConfiguration conf = configuration.getConf(index);
        require(configuration.getInputPreProcess(index) == null, "layer " + index + " has a preprocessor");
        require(conf.isMiniBatch(), "gradients are not divided by the batch (miniBatch is false)");
        if (!(conf.getLayer() instanceof BaseLayer layer)) {
            throw new UnsupportedStackException(
                    "layer " + index + " is a " + conf.getLayer().getClass().getSimpleName());
        }
        require(layer.getIDropout() == null, "layer " + index + " has dropout");
        require(layer.getWeightNoise() == null, "layer " + index + " has weight noise");
        require(
                layer.getConstraints() == null || layer.getConstraints().isEmpty(),
                "layer " + index + " is constrained");
        require(
                isEmpty(layer.getRegularization()) && isEmpty(layer.getRegularizationBias()),
                "layer " + index + " is regularised");
        require(
                layer.getGradientNormalization() == null
                        || layer.getGradientNormalization() == GradientNormalization.None,
                "layer " + index + " normalises gradients");
        return layer;
    }

    private static boolean isEmpty(List<?> list) {
        return list == null || list.isEmpty();
    }

    private Stack.Update update() throws UnsupportedStackException {
        IUpdater updater = ((BaseLayer) configuration.getConf(0).getLayer()).getIUpdater();
        for (NeuralNetConfiguration conf : configuration.getConfs()) {
            BaseLayer layer = (BaseLayer) conf.getLayer();
            boolean same = layer instanceof ShardedLossLayer
                    || (Objects.equals(layer.getIUpdater(), updater)
                            && (layer.getBiasUpdater() == null
                                    || layer.getBiasUpdater().equals(updater)));
            require(same, "its layers differ in updaters");
        }
        if (updater instanceof Sgd sgd && sgd.getLearningRateSchedule() == null) {
            return new Stack.Update.Sgd(sgd.getLearningRate());
        }
        if (updater instanceof Nesterovs momentum
                && momentum.getLearningRateSchedule() == null
                && momentum.getMomentumISchedule() == null) {
            return new Stack.Update.Nesterovs(momentum.getLearningRate(), momentum.getMomentum());
        }
        if (updater instanceof Adam adam && adam.getLearningRateSchedule() == null) {
            return new Stack.Update.Adam(adam.getLearningRate(), adam.getBeta1(), adam.getBeta2(), adam.getEpsilon());
        }
        throw new UnsupportedStackException("its updater is " + updater);
    }

    private static void require(boolean holds, String otherwise) throws UnsupportedStackException {
        if (!holds) {
            throw new UnsupportedStackException(otherwise);
        }
    }
}
