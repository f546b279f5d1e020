package org.phantom4j.layers.train;

import java.util.Map;
import java.util.TreeMap;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.phantom4j.comm.Communicator;
import org.phantom4j.comm.RankContext;
import org.phantom4j.layers.PhantomDenseLayer;
import org.phantom4j.layers.ShardedOutputLayer;
import org.phantom4j.layers.TensorParallelDenseLayer;
import org.phantom4j.ops.golden.GoldenCase;

/**
 * Trains a seeded random network of many shards, phantom and tensor parallel, on the current group of ranks and beside it on
 * this rank alone, and compares every loss and the final parameters: for numbers of ranks that no golden case has.
 */
public final class RandomTraining {

    /** The shards of the network. */
    public static final int SHARDS = 8;

    /** Samples of each step. */
    public static final int BATCH = 16;

    private static final int FEATURES = 20;
    private static final int CLASSES = 5;
    private static final int STEPS = 5;

    private RandomTraining() {}

    /**
     * The relative error of the losses and of each final parameter of this rank, by name.
     *
     * @param replicas the group of the same shards in all replicas of the network
     */
    public static Map<String, Double> errors(Communicator replicas) {
        INDArray losses = Nd4j.create(DataType.DOUBLE, STEPS);
        MultiLayerNetwork network = train(replicas, losses);
        INDArray expectedLosses = Nd4j.create(DataType.DOUBLE, STEPS);
        MultiLayerNetwork whole = RankContext.runAlone(() -> train(RankContext.current(), expectedLosses));
        Map<String, Double> errors = new TreeMap<>();
        errors.put("losses", GoldenCase.relativeError(expectedLosses, losses));
        network.paramTable()
                .forEach((key, value) -> errors.put(key, GoldenCase.relativeError(whole.getParam(key), value)));
        return errors;
    }

    private static MultiLayerNetwork train(Communicator replicas, INDArray losses) {
        MultiLayerNetwork network = RankNetwork.create(configuration());
        DataParallel parallel = DataParallel.join(network, replicas);
        Nd4j.getRandom().setSeed(SHARDS);
        for (int step = 0; step < STEPS; step++) {
            INDArray labels = Nd4j.zeros(DataType.DOUBLE, BATCH, CLASSES);
            for (int row = 0; row < BATCH; row++) {
                labels.putScalar(row, (row + step) % CLASSES, 1);
            }
            parallel.fit(new DataSet(Nd4j.randn(DataType.DOUBLE, BATCH, FEATURES), labels));
            losses.putScalar(step, network.score());
        }
        return network;
    }

    private static MultiLayerConfiguration configuration() {
        return new NeuralNetConfiguration.Builder()
                .seed(SHARDS)
                .dataType(DataType.DOUBLE)
                .updater(new Sgd(0.1))
                .activation(Activation.TANH)
                .list()
                .layer(new PhantomDenseLayer.Builder()
                        .nOut(37)
                        .shards(SHARDS)
                        .phantomWidth(3)
                        .build())
                .layer(new PhantomDenseLayer.Builder()
                        .nOut(24)
                        .shards(SHARDS)
                        .phantomWidth(2)
                        .build())
                .layer(new TensorParallelDenseLayer.Builder()
                        .nOut(17)
                        .shards(SHARDS)
                        .build())
                .layer(new ShardedOutputLayer.Builder(LossFunction.MCXENT)
                        .nOut(CLASSES)
                        .shards(SHARDS)
                        .activation(Activation.SOFTMAX)
                        .build())
                .setInputType(InputType.feedForward(FEATURES))
                .build();
    }
}
