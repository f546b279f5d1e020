package org.phantom4j.layers.train;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.IUpdater;
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
    private static final Sgd UPDATER = new Sgd(0.1);

    private RandomTraining() {}

    /**
     * The relative error of the losses and of each final parameter of this rank, by name.
     *
     * @param replicas the group of the same shards in all replicas of the network
     */
    public static Map<String, Double> errors(Communicator replicas) {
        return errors(DataType.DOUBLE, STEPS, network -> StepTrainer.ofLayers(network, replicas));
    }

    /**
     * The same of any training, against Deeplearning4j's on this rank alone in double precision.
     *
     * @param type FLOAT or DOUBLE, of the network that is compared
     */
    public static Map<String, Double> errors(
            DataType type, int steps, Function<MultiLayerNetwork, StepTrainer> trainers) {
        MultiLayerNetwork whole =
                RankContext.runAlone(() -> RankNetwork.create(configuration(DataType.DOUBLE, UPDATER)));
        MultiLayerNetwork network = RankNetwork.create(configuration(type, UPDATER));
        network.paramTable()
                .forEach((key, value) -> value.assign(whole.getParam(key).castTo(type)));
        List<DataSet> batches = batches(steps);
        INDArray losses = Nd4j.create(DataType.DOUBLE, steps);
        try (StepTrainer trainer = trainers.apply(network)) {
            for (int step = 0; step < steps; step++) {
                losses.putScalar(step, trainer.step(typed(batches.get(step), type)));
            }
            trainer.store();
        }
        INDArray expectedLosses = RankContext.runAlone(() -> train(whole, batches));
        Map<String, Double> errors = new TreeMap<>();
        errors.put("losses", GoldenCase.relativeError(expectedLosses, losses));
        network.paramTable()
                .forEach((key, value) -> errors.put(key, GoldenCase.relativeError(whole.getParam(key), value)));
        return errors;
    }

    private static INDArray train(MultiLayerNetwork whole, List<DataSet> batches) {
        INDArray losses = Nd4j.create(DataType.DOUBLE, batches.size());
        for (int step = 0; step < batches.size(); step++) {
            whole.fit(batches.get(step));
            losses.putScalar(step, whole.score());
        }
        return losses;
    }

    /** The same numbers in another type. */
    static DataSet typed(DataSet batch, DataType type) {
        return new DataSet(batch.getFeatures().castTo(type), batch.getLabels().castTo(type));
    }

    /** Random samples and classes; the same for whoever asks. */
    static List<DataSet> batches(int steps) {
        Nd4j.getRandom().setSeed(SHARDS);
        List<DataSet> batches = new ArrayList<>();
        for (int step = 0; step < steps; step++) {
            INDArray labels = Nd4j.zeros(DataType.DOUBLE, BATCH, CLASSES);
            for (int row = 0; row < BATCH; row++) {
                labels.putScalar(row, (row + step) % CLASSES, 1);
            }
            batches.add(new DataSet(Nd4j.randn(DataType.DOUBLE, BATCH, FEATURES), labels));
        }
        return batches;
    }

    /** Phantom, phantom, tensor parallel, and an output layer for classes. */
    static MultiLayerConfiguration configuration(DataType type, IUpdater updater) {
        return new NeuralNetConfiguration.Builder()
                .seed(SHARDS)
                .dataType(type)
                .updater(updater)
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
