package org.phantom4j.examples;

import java.time.Duration;
import java.util.List;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.phantom4j.comm.LocalRanks;
import org.phantom4j.data.Batches;
import org.phantom4j.data.SyntheticData;
import org.phantom4j.layers.PhantomDenseLayer;
import org.phantom4j.layers.train.RankNetwork;

/**
 * A ComputationGraph with a block of two phantom layers between ordinary layers, and a connection around it, trained on two
 * ranks. The ordinary layers get whole activations; between the two phantom layers only phantom activations travel.
 */
public final class GraphExample {

    private static final int WIDTH = 64;
    private static final int STEPS = 200;

    private GraphExample() {}

    /** Trains on two ranks and prints what each holds and the loss, which is the same on both. */
    public static void main(String[] args) throws Exception {
        ComputationGraphConfiguration configuration = configuration();
        List<String> lines = LocalRanks.run(2, Duration.ofSeconds(60), group -> {
            ComputationGraph graph = RankNetwork.create(configuration);
            // of its own, with the same seed: every rank gets the same batches
            Batches batches =
                    new Batches(SyntheticData.create(WIDTH, DataType.FLOAT, 1).train(), 128, 1);
            for (int step = 0; step < STEPS; step++) {
                DataSet batch = batches.next();
                graph.fit(batch);
            }
            return String.format(
                    "rank %d: %,d parameters, loss %.5f, %,d bytes sent",
                    group.rank(),
                    graph.numParams(),
                    graph.score(),
                    group.stats().bytesSent());
        });
        lines.forEach(System.out::println);
    }

    private static ComputationGraphConfiguration configuration() {
        return new NeuralNetConfiguration.Builder()
                .seed(1)
                .updater(new Adam(0.002))
                .graphBuilder()
                .addInputs("in")
                .addLayer(
                        "before",
                        new DenseLayer.Builder()
                                .nOut(128)
                                .activation(Activation.RELU)
                                .build(),
                        "in")
                .addLayer("phantom1", phantom(256), "before")
                .addLayer("phantom2", phantom(128), "phantom1")
                .addVertex("around", new ElementWiseVertex(ElementWiseVertex.Op.Add), "before", "phantom2")
                .addLayer(
                        "out",
                        new OutputLayer.Builder(LossFunction.MSE)
                                .nOut(WIDTH)
                                .activation(Activation.IDENTITY)
                                .build(),
                        "around")
                .setOutputs("out")
                .setInputTypes(InputType.feedForward(WIDTH))
                .build();
    }

    private static PhantomDenseLayer phantom(int nOut) {
        return new PhantomDenseLayer.Builder()
                .nOut(nOut)
                .shards(2)
                .phantomWidth(8)
                .activation(Activation.RELU)
                .build();
    }
}
