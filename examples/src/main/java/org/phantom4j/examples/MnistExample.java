package org.phantom4j.examples;

import java.nio.file.Path;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.evaluation.classification.Evaluation;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.phantom4j.data.Batches;
import org.phantom4j.data.Corpus;
import org.phantom4j.data.IdxData;
import org.phantom4j.layers.PhantomDenseLayer;
import org.phantom4j.layers.ShardedOutputLayer;

/**
 * A MultiLayerNetwork of phantom layers on MNIST, in one process: what changes against a network of dense layers is the
 * layers' builders, and nothing else.
 *
 * <p>Argument: a folder with MNIST's IDX files, gzipped or not.
 */
public final class MnistExample {

    private static final int EPOCHS = 3;

    private MnistExample() {}

    /** Trains and prints the accuracy. */
    public static void main(String[] args) {
        Corpus mnist = IdxData.read(Path.of(args[0]), DataType.FLOAT);

        MultiLayerConfiguration configuration = new NeuralNetConfiguration.Builder()
                .seed(1)
                .updater(new Adam(0.001))
                .list()
                .layer(new PhantomDenseLayer.Builder()
                        .nOut(512)
                        .shards(4)
                        .phantomWidth(16)
                        .activation(Activation.RELU)
                        .build())
                .layer(new PhantomDenseLayer.Builder()
                        .nOut(512)
                        .shards(4)
                        .phantomWidth(16)
                        .activation(Activation.RELU)
                        .build())
                .layer(new ShardedOutputLayer.Builder(LossFunction.MCXENT)
                        .nOut(10)
                        .shards(4)
                        .activation(Activation.SOFTMAX)
                        .build())
                .setInputType(InputType.feedForward(mnist.inputs()))
                .build();

        MultiLayerNetwork network = new MultiLayerNetwork(configuration);
        network.init();
        Batches batches = new Batches(mnist.train(), 128, 1);
        int steps = EPOCHS * Batches.perEpoch(mnist.train(), 128);
        for (int step = 0; step < steps; step++) {
            network.fit(batches.next());
        }

        Evaluation evaluation = new Evaluation();
        evaluation.eval(mnist.test().labels(), network.output(mnist.test().features()));
        System.out.printf("%,d parameters, test accuracy %.2f %%%n", network.numParams(), 100 * evaluation.accuracy());
    }
}
