package org.phantom4j.layers;

import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.graph.MergeVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Configurations of small networks with all kinds of sharded layers, 4 shards, in double precision. */
final class Networks {

    static final int FEATURES = 6;
    static final int CLASSES = 3;
    static final int TARGETS = 9;

    private Networks() {}

    /** Defaults of all networks here; tests may change them. */
    static NeuralNetConfiguration.Builder defaults() {
        return new NeuralNetConfiguration.Builder()
                .seed(11)
                .dataType(DataType.DOUBLE)
                .updater(new Adam(0.01))
                .activation(Activation.TANH);
    }

    static PhantomDenseLayer.Builder phantom(int nOut, int phantomWidth) {
        return new PhantomDenseLayer.Builder().nOut(nOut).shards(4).phantomWidth(phantomWidth);
    }

    static TensorParallelDenseLayer.Builder tensor(int nOut) {
        return new TensorParallelDenseLayer.Builder().nOut(nOut).shards(4);
    }

    static ShardedOutputLayer.Builder output() {
        return new ShardedOutputLayer.Builder(LossFunction.MCXENT)
                .nOut(CLASSES)
                .shards(4)
                .activation(Activation.SOFTMAX);
    }

    /** dense, phantom, tensor-parallel, phantom, sharded output. */
    static MultiLayerConfiguration classifier(NeuralNetConfiguration.Builder defaults) {
        return list(
                defaults,
                new DenseLayer.Builder().nOut(10).build(),
                phantom(13, 2).build(),
                tensor(11).build(),
                phantom(9, 3).build(),
                output().build());
    }

    /** phantom, tensor-parallel, sharded loss. */
    static MultiLayerConfiguration regression(NeuralNetConfiguration.Builder defaults, ShardedLossLayer loss) {
        return list(
                defaults,
                phantom(13, 2).build(),
                tensor(TARGETS).activation(Activation.IDENTITY).build(),
                loss);
    }

    static MultiLayerConfiguration list(NeuralNetConfiguration.Builder defaults, Layer... layers) {
        return defaults.list(layers)
                .setInputType(InputType.feedForward(FEATURES))
                .build();
    }

    /**
     * in → dense → phantom a → {phantom b, tensor-parallel c} → merge → dense → sharded output; the phantom layer a has
     * followers of both kinds, and an ordinary layer between merge and output.
     */
    static ComputationGraphConfiguration graph(NeuralNetConfiguration.Builder defaults) {
        return defaults.graphBuilder()
                .addInputs("in")
                .addLayer("dense", new DenseLayer.Builder().nOut(9).build(), "in")
                .addLayer("a", phantom(12, 2).build(), "dense")
                .addLayer("b", phantom(7, 1).build(), "a")
                .addLayer("c", tensor(6).build(), "a")
                .addVertex("merge", new MergeVertex(), "a", "b", "c")
                .addLayer("mixed", new DenseLayer.Builder().nOut(8).build(), "merge")
                .addLayer("d", phantom(8, 2).build(), "mixed")
                .addLayer("e", phantom(10, 2).build(), "d")
                .addLayer("out", output().build(), "e")
                .setOutputs("out")
                .setInputTypes(InputType.feedForward(FEATURES))
                .build();
    }

    /** The network's input goes to two sharded layers and an ordinary one; the output layer is an ordinary one. */
    static ComputationGraphConfiguration fanOut(NeuralNetConfiguration.Builder defaults) {
        return defaults.graphBuilder()
                .addInputs("in")
                .addLayer("a", phantom(8, 2).build(), "in")
                .addLayer("b", tensor(5).build(), "in")
                .addLayer("c", new DenseLayer.Builder().nOut(4).build(), "in")
                .addVertex("merge", new MergeVertex(), "a", "b", "c")
                .addLayer(
                        "out",
                        new OutputLayer.Builder(LossFunction.MCXENT)
                                .nOut(CLASSES)
                                .activation(Activation.SOFTMAX)
                                .build(),
                        "merge")
                .setOutputs("out")
                .setInputTypes(InputType.feedForward(FEATURES))
                .build();
    }
}
