package org.phantom4j.layers.train;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Function;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Sgd;
import org.phantom4j.comm.RankContext;

/**
 * Every gradient of a random network of phantom and tensor-parallel layers against central differences of its loss, in
 * double precision: along one random direction for each parameter.
 */
public final class FiniteDifferences {

    /** The shards of the network. */
    public static final int SHARDS = RandomTraining.SHARDS;

    /** How far differences may be from gradients: their own error is about h² and 1e-16 / h. */
    public static final double BOUND = 1e-6;

    private static final double H = 1e-5;

    private FiniteDifferences() {}

    /** The error of each parameter's directional derivative, relative to its gradient's norm, by name; 0 for other ranks'. */
    public static Map<String, Double> errors(Function<MultiLayerNetwork, StepTrainer> trainers) {
        MultiLayerConfiguration configuration = RandomTraining.configuration(DataType.DOUBLE, new Sgd(1));
        List<String> keys = new ArrayList<>(RankContext.runAlone(
                () -> RankNetwork.create(configuration).paramTable().keySet()));
        MultiLayerNetwork network = RankNetwork.create(configuration);
        DataSet batch = RandomTraining.batches(1).get(0);
        INDArray start = network.params().dup();
        Map<String, Double> errors = new TreeMap<>();
        try (StepTrainer trainer = trainers.apply(network)) {
            double unused = trainer.step(batch);
            trainer.store();
            // at rate 1 a step is the gradient
            INDArray gradient = start.sub(network.params());
            for (String key : keys) {
                double forward = loss(network, trainer, batch, start, key, H);
                double backward = loss(network, trainer, batch, start, key, -H);
                errors.put(key, error(network, gradient, key, (forward - backward) / (2 * H)));
            }
        }
        return errors;
    }

    /** The loss where one parameter, if it is this rank's, is moved along its direction. */
    private static double loss(
            MultiLayerNetwork network, StepTrainer trainer, DataSet batch, INDArray start, String key, double by) {
        network.params().assign(start);
        INDArray parameter = network.paramTable().get(key);
        if (parameter != null) {
            parameter.addi(direction(key, parameter).muli(by));
        }
        trainer.load();
        return trainer.step(batch);
    }

    private static double error(MultiLayerNetwork network, INDArray gradient, String key, double difference) {
        network.params().assign(gradient);
        INDArray own = network.paramTable().get(key);
        if (own == null) {
            return 0;
        }
        double derivative = own.mul(direction(key, own)).sumNumber().doubleValue();
        double error = Math.abs(difference - derivative) / own.norm2Number().doubleValue();
        return Double.isNaN(error) ? Double.POSITIVE_INFINITY : error;
    }

    /** A random unit vector, the same whoever asks. */
    private static INDArray direction(String key, INDArray parameter) {
        Random random = new Random(key.hashCode());
        INDArray values = Nd4j.create(DataType.DOUBLE, parameter.shape());
        for (long i = 0; i < values.length(); i++) {
            values.putScalar(i, random.nextGaussian());
        }
        return values.divi(values.norm2Number().doubleValue());
    }
}
