package org.phantom4j.layers.ranks;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
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

/** Small networks of all kinds of layers with parameters, 4 shards, in double precision, and batches for them. */
final class Small {

    static final Duration TIMEOUT = Duration.ofMinutes(2);
    static final int FEATURES = 5;
    static final int CLASSES = 3;
    static final int WIDTH = 9;

    private Small() {}

    static NeuralNetConfiguration.Builder defaults() {
        return new NeuralNetConfiguration.Builder()
                .seed(7)
                .dataType(DataType.DOUBLE)
                .updater(new Adam(0.01))
                .activation(Activation.TANH);
    }

    /** dense, phantom, tensor parallel, sharded output. */
    static MultiLayerConfiguration network(NeuralNetConfiguration.Builder defaults) {
        return defaults.list()
                .layer(dense())
                .layer(phantom())
                .layer(tensor())
                .layer(output())
                .setInputType(InputType.feedForward(FEATURES))
                .build();
    }

    /** The same as a graph. */
    static ComputationGraphConfiguration graph(NeuralNetConfiguration.Builder defaults) {
        return defaults.graphBuilder()
                .addInputs("in")
                .addLayer("dense", dense(), "in")
                .addLayer("phantom", phantom(), "dense")
                .addLayer("tensor", tensor(), "phantom")
                .addLayer("out", output(), "tensor")
                .setOutputs("out")
                .setInputTypes(InputType.feedForward(FEATURES))
                .build();
    }

    private static DenseLayer dense() {
        return new DenseLayer.Builder().nOut(6).build();
    }

    private static PhantomDenseLayer phantom() {
        return new PhantomDenseLayer.Builder()
                .nOut(WIDTH)
                .shards(4)
                .phantomWidth(2)
                .build();
    }

    private static TensorParallelDenseLayer tensor() {
        return new TensorParallelDenseLayer.Builder().nOut(7).shards(4).build();
    }

    private static ShardedOutputLayer output() {
        return new ShardedOutputLayer.Builder(LossFunction.MCXENT)
                .nOut(CLASSES)
                .shards(4)
                .activation(Activation.SOFTMAX)
                .build();
    }

    /** Batches of one size with other contents; the same whoever asks. */
    static List<DataSet> batches(int count) {
        Random random = new Random(3);
        List<DataSet> batches = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            INDArray features = Nd4j.create(DataType.DOUBLE, 4, FEATURES);
            INDArray labels = Nd4j.zeros(DataType.DOUBLE, 4, CLASSES);
            for (int row = 0; row < 4; row++) {
                labels.putScalar(row, random.nextInt(CLASSES), 1);
                for (int column = 0; column < FEATURES; column++) {
                    features.putScalar(row, column, random.nextGaussian());
                }
            }
            batches.add(new DataSet(features, labels));
        }
        return batches;
    }
}
