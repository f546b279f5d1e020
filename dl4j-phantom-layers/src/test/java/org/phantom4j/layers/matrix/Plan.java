package org.phantom4j.layers.matrix;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.BaseOutputLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.FeedForwardLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.ILossFunction;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.phantom4j.layers.PhantomDenseLayer;
import org.phantom4j.layers.ShardedDenseLayer;
import org.phantom4j.layers.ShardedLossLayer;
import org.phantom4j.layers.ShardedOutputLayer;
import org.phantom4j.layers.TensorParallelDenseLayer;

/** A network and its data, described: options change it, then it builds configurations, dense and sharded. */
final class Plan {

    static final int FEATURES = 6;

    /** How samples come. */
    enum Input {
        VECTORS,
        IMAGES,
        FLAT_IMAGES,
        SERIES
    }

    /** How the layers learn their widths. */
    enum Widths {
        BY_INPUT_TYPE,
        ALL_GIVEN,
        FIRST_GIVEN
    }

    /** What labels are. */
    enum Labels {
        NUMBERS,
        CLASSES,
        BITS,
        SIGNS,
        SHARES,
        COUNTS
    }

    /** What does not count. */
    enum Mask {
        NONE,
        EXAMPLES,
        OUTPUTS,
        FEATURES
    }

    final NeuralNetConfiguration.Builder defaults = new NeuralNetConfiguration.Builder()
            .seed(11)
            .dataType(DataType.DOUBLE)
            .updater(new Sgd(0.05))
            .activation(Activation.TANH);
    Kind kind = Kind.TENSOR;
    DataType type = DataType.DOUBLE;
    DataType features = null;
    int[] hidden = {8, 12};
    IntFunction<ILossFunction> loss = outputs -> LossFunction.MSE.getILossFunction();
    Activation outputActivation = Activation.IDENTITY;
    Labels labels = Labels.NUMBERS;
    Mask mask = Mask.NONE;
    Input input = Input.VECTORS;
    Widths widths = Widths.BY_INPUT_TYPE;
    boolean bias = true;
    boolean layerNorm = false;
    boolean graph = false;

    /** Whether random numbers decide more than rounding. */
    boolean random = false;

    int outputs() {
        return kind == Kind.LOSS ? 9 : 3;
    }

    /** The layers' configurations. 0 shards make the dense equivalent. */
    private List<Layer> layers(int shards) {
        List<Layer> layers = new ArrayList<>();
        boolean isPhantom = kind == Kind.PHANTOM || kind == Kind.MIXED;
        if (kind == Kind.LOSS) {
            layers.add(hidden(tensor(shards), 0, FEATURES, outputs()));
            layers.add(end(1, outputs(), shards));
            return layers;
        }
        int last = kind == Kind.OUTPUT ? 1 : 2;
        for (int i = 0; i < last; i++) {
            FeedForwardLayer.Builder<?> builder = kind == Kind.OUTPUT
                    ? new DenseLayer.Builder()
                    : kind == Kind.PHANTOM || (isPhantom && i == 0) ? phantom(shards) : tensor(shards);
            layers.add(hidden(builder, i, i == 0 ? FEATURES : hidden[i - 1], hidden[i]));
        }
        boolean ordinaryEnd = kind == Kind.TENSOR || kind == Kind.PHANTOM;
        layers.add(end(last, hidden[last - 1], ordinaryEnd ? 0 : shards));
        return layers;
    }

    private static FeedForwardLayer.Builder<?> tensor(int shards) {
        return shards == 0 ? new DenseLayer.Builder() : new TensorParallelDenseLayer.Builder().shards(shards);
    }

    private static FeedForwardLayer.Builder<?> phantom(int shards) {
        return shards == 0
                ? new DenseLayer.Builder()
                : new PhantomDenseLayer.Builder().shards(shards).phantomWidth(2);
    }

    private Layer hidden(FeedForwardLayer.Builder<?> builder, int index, int in, int out) {
        builder.nOut(out).name("layer" + index);
        if (gives(index)) {
            builder.nIn(in);
        }
        if (builder instanceof DenseLayer.Builder dense) {
            return dense.hasBias(bias).hasLayerNorm(layerNorm).build();
        }
        return ((ShardedDenseLayer.Builder<?>) builder)
                .hasBias(bias)
                .hasLayerNorm(layerNorm)
                .build();
    }

    private Layer end(int index, int in, int shards) {
        BaseOutputLayer.Builder<?> builder;
        ILossFunction function = loss.apply(outputs());
        if (kind == Kind.LOSS) {
            if (shards == 0) {
                return new LossLayer.Builder(function)
                        .activation(outputActivation)
                        .name("layer" + index)
                        .build();
            }
            builder = new ShardedLossLayer.Builder(function).shards(shards);
        } else {
            builder = shards == 0
                    ? new OutputLayer.Builder(function)
                    : new ShardedOutputLayer.Builder(function).shards(shards);
            builder.nOut(outputs()).hasBias(bias);
        }
        if (gives(index)) {
            builder.nIn(in);
        }
        if (outputActivation != null) {
            builder.activation(outputActivation);
        }
        return builder.name("layer" + index).build();
    }

    private boolean gives(int index) {
        return widths == Widths.ALL_GIVEN || (widths == Widths.FIRST_GIVEN && index == 0);
    }

    private InputType inputType() {
        return switch (input) {
            case VECTORS -> InputType.feedForward(FEATURES);
            case IMAGES -> InputType.convolutional(2, 3, 1);
            case FLAT_IMAGES -> InputType.convolutionalFlat(2, 3, 1);
            case SERIES -> InputType.recurrent(FEATURES);
        };
    }

    /** As layers one above the other. 0 shards make the dense equivalent. */
    MultiLayerConfiguration list(int shards) {
        NeuralNetConfiguration.ListBuilder list =
                defaults.clone().dataType(type).list(layers(shards).toArray(new Layer[0]));
        if (widths == Widths.BY_INPUT_TYPE) {
            list.setInputType(inputType());
        }
        return list.build();
    }

    /** As a graph of one path. 0 shards make the dense equivalent. */
    ComputationGraphConfiguration graph(int shards) {
        ComputationGraphConfiguration.GraphBuilder builder =
                defaults.clone().dataType(type).graphBuilder().addInputs("in");
        String before = "in";
        for (Layer layer : layers(shards)) {
            builder.addLayer(layer.getLayerName(), layer, before);
            before = layer.getLayerName();
        }
        builder.setOutputs(before);
        if (widths == Widths.BY_INPUT_TYPE) {
            builder.setInputTypes(inputType());
        }
        return builder.build();
    }
}
