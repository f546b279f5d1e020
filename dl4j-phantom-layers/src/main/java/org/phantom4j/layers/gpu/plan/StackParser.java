package org.phantom4j.layers.gpu.plan;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.api.OptimizationAlgorithm;
import org.deeplearning4j.nn.conf.BackpropType;
import org.deeplearning4j.nn.conf.GradientNormalization;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.BaseLayer;
import org.deeplearning4j.nn.conf.layers.BaseOutputLayer;
import org.deeplearning4j.nn.conf.layers.FeedForwardLayer;
import org.nd4j.linalg.activations.impl.ActivationIdentity;
import org.nd4j.linalg.activations.impl.ActivationSoftmax;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.ILossFunction;
import org.nd4j.linalg.lossfunctions.impl.LossMCXENT;
import org.nd4j.linalg.lossfunctions.impl.LossMSE;
import org.nd4j.linalg.lossfunctions.impl.LossNegativeLogLikelihood;
import org.phantom4j.layers.PhantomDenseLayer;
import org.phantom4j.layers.ShardedDenseLayer;
import org.phantom4j.layers.ShardedLossLayer;
import org.phantom4j.layers.ShardedOutputLayer;
import org.phantom4j.layers.TensorParallelDenseLayer;
import org.phantom4j.ops.ShardRange;
import org.phantom4j.ops.Split;
import org.phantom4j.ops.gpu.ElementwiseActivation;
import org.phantom4j.ops.gpu.Precision;

/** Reads a configuration as a {@link Stack}, or says what in it the compiled step does not do. */
public final class StackParser {

    /** What stands in the way, in words for the user. */
    public static final class UnsupportedStackException extends Exception {
        private static final long serialVersionUID = 1L;

        UnsupportedStackException(String message) {
            super(message);
        }
    }

    /** What the loss's kernel clips probabilities at. */
    private static final double CLIP = 1e-10;

    private final MultiLayerConfiguration configuration;

    private StackParser(MultiLayerConfiguration configuration) {
        this.configuration = configuration;
    }

    /**
     * Reads a configuration.
     *
     * @param ranks that it is to run on
     * @param precision of the products
     * @throws UnsupportedStackException if compiled steps do not do it
     */
    public static Stack parse(MultiLayerConfiguration configuration, int ranks, Precision precision)
            throws UnsupportedStackException {
        Stack stack = new StackParser(configuration).parse();
        require(
                stack.end().shards() % ranks == 0 && haveSameNeurons(stack, ranks),
                "its end is cut into " + stack.end().shards() + " shards, which on " + ranks
                        + " ranks are of other neurons than those of its layers' " + stack.shards());
        DataType wanted = precision == Precision.FP64 ? DataType.DOUBLE : DataType.FLOAT;
        DataType type = configuration.getConf(0).getDataType();
        require(type == wanted, "its data type is " + type + ", but precision " + precision + " needs " + wanted);
        return stack;
    }

    /** Whether each rank's shards of the end are of the neurons that the rank has of the last layer. */
    private static boolean haveSameNeurons(Stack stack, int ranks) {
        Split layers = stack.layers().get(stack.layers().size() - 1).geometry().out();
        Split end = new Split(layers.length(), stack.end().shards());
        return IntStream.range(0, ranks)
                .allMatch(rank -> layers.offset(
                                ShardRange.of(rank, ranks, layers.shards()).first())
                        == end.offset(ShardRange.of(rank, ranks, end.shards()).first()));
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
        ElementwiseActivation activation = ElementwiseActivation.of(dense.getActivationFn())
                .orElseThrow(() -> new UnsupportedStackException("layer " + index + " has activation "
                        + dense.getActivationFn() + ": " + ElementwiseActivation.KNOWN));
        return dense instanceof PhantomDenseLayer phantom
                ? new Stack.Layer(true, phantom.geometry(), activation)
                : new Stack.Layer(false, ((TensorParallelDenseLayer) dense).geometry(), activation);
    }

    private Stack.End end(int index, List<Stack.Layer> layers) throws UnsupportedStackException {
        BaseLayer layer = plain(index);
        long width = layers.get(layers.size() - 1).geometry().nOut();
        if (layer instanceof ShardedLossLayer loss) {
            require(kind(loss) == Stack.End.Kind.OUTPUT_SQUARED, "it ends with " + described(loss));
            return new Stack.End(Stack.End.Kind.SQUARED, width, loss.getShards(), false);
        }
        if (layer instanceof ShardedOutputLayer output) {
            return new Stack.End(
                    kind(output), ((FeedForwardLayer) output).getNOut(), output.getShards(), output.hasBias());
        }
        throw new UnsupportedStackException("it ends with a " + layer.getClass().getSimpleName());
    }

    private static Stack.End.Kind kind(BaseOutputLayer output) throws UnsupportedStackException {
        ILossFunction loss = output.getLossFn();
        Class<?> activation = output.getActivationFn().getClass();
        if (loss instanceof LossMCXENT entropy
                && (loss.getClass() == LossMCXENT.class || loss.getClass() == LossNegativeLogLikelihood.class)
                && entropy.getWeights() == null
                && activation == ActivationSoftmax.class) {
            require(
                    entropy.getSoftmaxClipEps() == CLIP,
                    "its loss clips at " + entropy.getSoftmaxClipEps() + ", not at " + CLIP);
            return Stack.End.Kind.SOFTMAX;
        }
        if (loss instanceof LossMSE squared
                && loss.getClass() == LossMSE.class
                && squared.getWeights() == null
                && activation == ActivationIdentity.class) {
            return Stack.End.Kind.OUTPUT_SQUARED;
        }
        throw new UnsupportedStackException("it ends with " + described(output));
    }

    private static String described(BaseOutputLayer end) {
        return "loss " + end.getLossFn() + " of activation " + end.getActivationFn();
    }

    /** A layer that has nothing which the compiled step leaves out. */
    private BaseLayer plain(int index) throws UnsupportedStackException {
        NeuralNetConfiguration conf = configuration.getConf(index);
        require(configuration.getInputPreProcess(index) == null, "layer " + index + " has a preprocessor");
        require(conf.isMiniBatch(), "gradients are not divided by the batch (miniBatch is false)");
        require(conf.isMinimize(), "its score is to be as large as possible (minimize is false)");
        OptimizationAlgorithm algorithm = conf.getOptimizationAlgo();
        require(
                algorithm == null || algorithm == OptimizationAlgorithm.STOCHASTIC_GRADIENT_DESCENT,
                "its optimizationAlgo is " + algorithm);
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
