package org.phantom4j.layers.usual;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.UnaryOperator;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.phantom4j.layers.PhantomDenseLayer;
import org.phantom4j.layers.ShardedOutputLayer;
import org.phantom4j.layers.TensorParallelDenseLayer;
import org.phantom4j.layers.matrix.Weights;

/** A network of dense layers, and one of sharded layers with the same weights: 5 features, 8 and 12 neurons, 3 classes. */
record Twins(MultiLayerNetwork dense, MultiLayerNetwork ours, Stack stack) {

    static final int FEATURES = 5;
    static final int CLASSES = 3;

    /** What stands for the dense layers. */
    enum Stack {
        TENSOR(4),
        PHANTOM(1);

        final int shards;

        Stack(int shards) {
            this.shards = shards;
        }

        Layer hidden(int width) {
            return this == TENSOR
                    ? new TensorParallelDenseLayer.Builder()
                            .nOut(width)
                            .shards(shards)
                            .build()
                    : new PhantomDenseLayer.Builder()
                            .nOut(width)
                            .shards(shards)
                            .phantomWidth(1)
                            .build();
        }

        Layer output(int classes) {
            return new ShardedOutputLayer.Builder(LossFunction.MCXENT)
                    .nOut(classes)
                    .shards(shards)
                    .build();
        }
    }

    static NeuralNetConfiguration.Builder defaults() {
        return new NeuralNetConfiguration.Builder()
                .seed(4)
                .dataType(DataType.DOUBLE)
                .updater(new Adam(0.02))
                .activation(Activation.TANH);
    }

    static Twins of(Stack stack, UnaryOperator<NeuralNetConfiguration.Builder> change) {
        MultiLayerNetwork dense = network(
                change.apply(defaults()),
                new DenseLayer.Builder().nOut(8).build(),
                new DenseLayer.Builder().nOut(12).build(),
                new OutputLayer.Builder(LossFunction.MCXENT).nOut(CLASSES).build());
        MultiLayerNetwork ours =
                network(change.apply(defaults()), stack.hidden(8), stack.hidden(12), stack.output(CLASSES));
        Twins twins = new Twins(dense, ours, stack);
        Map<String, INDArray> own = ours.paramTable();
        twins.cut(own).forEach((key, value) -> own.get(key).assign(value));
        return twins;
    }

    private static MultiLayerNetwork network(NeuralNetConfiguration.Builder defaults, Layer... layers) {
        MultiLayerConfiguration configuration = defaults.list(layers)
                .setInputType(InputType.feedForward(FEATURES))
                .build();
        MultiLayerNetwork network = new MultiLayerNetwork(configuration);
        network.init();
        return network;
    }

    /** The dense network's parameters as these. */
    Map<String, INDArray> cut(Map<String, INDArray> shapes) {
        return Weights.cut(dense.paramTable(), shapes, stack.shards);
    }

    static List<DataSet> batches(int count) {
        Random random = new Random(6);
        List<DataSet> batches = new ArrayList<>();
        for (int b = 0; b < count; b++) {
            INDArray x = Nd4j.create(DataType.DOUBLE, 6, FEATURES);
            for (long i = 0; i < x.length(); i++) {
                x.putScalar(i, random.nextGaussian());
            }
            INDArray y = Nd4j.zeros(DataType.DOUBLE, 6, CLASSES);
            for (int row = 0; row < 6; row++) {
                y.putScalar(row, random.nextInt(CLASSES), 1);
            }
            batches.add(new DataSet(x, y));
        }
        return batches;
    }

    void fit(List<DataSet> batches) {
        for (DataSet batch : batches) {
            dense.fit(batch.copy());
            ours.fit(batch.copy());
        }
    }

    void assertSame(String when) {
        assertSame(dense, ours, when);
    }

    static void assertSame(MultiLayerNetwork expected, MultiLayerNetwork actual, String when) {
        DataSet data = batches(3).get(2);
        assertEquals(expected.score(data.copy()), actual.score(data.copy()), 1e-9, "score " + when);
        assertTrue(
                expected.output(data.getFeatures()).equalsWithEps(actual.output(data.getFeatures()), 1e-9),
                "outputs " + when);
    }
}
