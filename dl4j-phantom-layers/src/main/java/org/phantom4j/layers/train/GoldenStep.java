package org.phantom4j.layers.train;

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
import org.nd4j.linalg.ops.transforms.Transforms;
import org.phantom4j.comm.RankContext;
import org.phantom4j.layers.PhantomDenseLayer;
import org.phantom4j.layers.ShardedLossLayer;
import org.phantom4j.layers.TensorParallelDenseLayer;
import org.phantom4j.ops.PhantomGeometry;
import org.phantom4j.ops.Products;
import org.phantom4j.ops.ShardRange;
import org.phantom4j.ops.golden.GoldenCase;

/**
 * A golden layer inside a network that is trained for one step: for engines that run networks, not layers. Every value of
 * the case comes out of it.
 *
 * <p>The layer's inputs x are the weights of a tensor-parallel layer before it, whose inputs are the rows of the identity: so
 * the gradient of these weights is dx. Behind the layer, squared errors against targets z − r · n · B / 2 have the gradient r.
 * Gradients are what a step takes from the parameters, over its rate, which is so large that the parameters' own rounding
 * does not count.
 */
public final class GoldenStep {

    /** Learning rate of a step. */
    public static final double RATE = 1024;

    private final GoldenCase golden;
    private final PhantomGeometry geometry;
    private final ShardRange own;
    private final long rows;

    /** Prepares a layer case for the current thread's rank. */
    public GoldenStep(GoldenCase golden) {
        this.golden = golden;
        this.geometry = golden.geometry();
        this.own = ShardRange.of(
                RankContext.current().rank(), RankContext.current().size(), geometry.shards());
        long batch = Long.parseLong(golden.text("batch"));
        // the identity's width is cut into shards, too
        this.rows = (batch + geometry.shards() - 1) / geometry.shards() * geometry.shards();
    }

    /**
     * The relative error of the outputs, the loss and each gradient, by name.
     *
     * @param type FLOAT or DOUBLE, of the network
     * @param updater that takes rate {@link #RATE} times the gradient from a parameter in its first step
     */
    public Map<String, Double> errors(
            DataType type, IUpdater updater, Function<MultiLayerNetwork, StepTrainer> trainers) {
        MultiLayerNetwork network = RankNetwork.create(configuration(type, updater));
        assignParameters(network, type);
        INDArray before = network.params().castTo(DataType.DOUBLE).dup();
        INDArray identity = Nd4j.eye(rows).castTo(type);
        INDArray r = padded(golden.array("r"));
        // rows of padding have no inputs: their outputs are the bias
        INDArray targets = outputs().sub(r.mul(geometry.nOut() * rows / 2.0)).castTo(type);
        Map<String, Double> errors = new TreeMap<>();
        try (StepTrainer trainer = trainers.apply(network)) {
            compare(errors, "z", outputs(), trainer.output(identity));
            double loss = trainer.step(new DataSet(identity, targets));
            double expected = r.mul(r).sumNumber().doubleValue() * geometry.nOut() * rows / 4;
            errors.put("loss", Math.abs(loss / expected - 1));
            trainer.store();
        }
        INDArray taken = before.subi(network.params().castTo(DataType.DOUBLE)).divi(RATE);
        network.params().assign(taken.castTo(type));
        compareGradients(errors, network);
        return errors;
    }

    private MultiLayerConfiguration configuration(DataType type, IUpdater updater) {
        return new NeuralNetConfiguration.Builder()
                .dataType(type)
                .updater(updater)
                .activation(Activation.IDENTITY)
                .list()
                .layer(new TensorParallelDenseLayer.Builder()
                        .nOut(geometry.nIn())
                        .shards(geometry.shards())
                        .build())
                .layer(new PhantomDenseLayer.Builder()
                        .nOut(geometry.nOut())
                        .shards(geometry.shards())
                        .phantomWidth(geometry.phantomWidth())
                        .build())
                .layer(new ShardedLossLayer.Builder().shards(geometry.shards()).build())
                .setInputType(InputType.feedForward(rows))
                .build();
    }

    private void assignParameters(MultiLayerNetwork network, DataType type) {
        INDArray x = padded(golden.array("x"));
        INDArray bias = golden.array("b").reshape(1, geometry.nOut());
        for (int j = own.first(); j < own.end(); j++) {
            ShardRange shard = new ShardRange(j, j + 1);
            assign(network, "0_W" + j, GoldenCase.columns(x, geometry.in(), shard), type);
            network.getParam("0_b" + j).assign(0);
            assign(network, "1_L" + j, golden.array("L" + j), type);
            assign(network, "1_C" + j, golden.array("C" + j), type);
            if (geometry.shards() > 1) {
                assign(network, "1_D" + j, golden.decompressors("D", geometry, j), type);
            }
            assign(network, "1_b" + j, GoldenCase.columns(bias, geometry.out(), shard), type);
        }
    }

    private static void assign(MultiLayerNetwork network, String key, INDArray value, DataType type) {
        INDArray parameter = network.getParam(key);
        parameter.assign(value.castTo(type).reshape(parameter.shape()));
    }

    /** The network holds the gradients where its parameters were. */
    private void compareGradients(Map<String, Double> errors, MultiLayerNetwork network) {
        INDArray dx = padded(golden.array("dx"));
        INDArray bias = golden.array("db").reshape(1, geometry.nOut());
        for (int j = own.first(); j < own.end(); j++) {
            ShardRange shard = new ShardRange(j, j + 1);
            compare(errors, "dx" + j, GoldenCase.columns(dx, geometry.in(), shard), network.getParam("0_W" + j));
            errors.put(
                    "dx" + j + " summed", sumError(GoldenCase.columns(dx, geometry.in(), shard), network, "0_b" + j));
            compare(errors, "dL" + j, golden.array("dL" + j), network.getParam("1_L" + j));
            compare(errors, "dC" + j, golden.array("dC" + j), network.getParam("1_C" + j));
            if (geometry.shards() > 1) {
                INDArray expected = golden.decompressors("dD", geometry, j);
                compare(errors, "dD" + j, expected, network.getParam("1_D" + j));
            }
            compare(errors, "db" + j, GoldenCase.columns(bias, geometry.out(), shard), network.getParam("1_b" + j));
        }
    }

    /** The error of a sum over samples, relative to what is added up: terms of both signs may leave little. */
    private static double sumError(INDArray terms, MultiLayerNetwork network, String key) {
        INDArray actual = network.getParam(key).castTo(DataType.DOUBLE).reshape(1, terms.size(1));
        double error = terms.sum(true, 0).sub(actual).amaxNumber().doubleValue()
                / Transforms.abs(terms, true).sum(true, 0).amaxNumber().doubleValue();
        return Double.isNaN(error) ? Double.POSITIVE_INFINITY : error;
    }

    private static void compare(Map<String, Double> errors, String name, INDArray expected, INDArray actual) {
        errors.put(name, GoldenCase.relativeError(expected.dup(), actual.dup()));
    }

    /** Golden outputs, and the bias in rows of padding. */
    private INDArray outputs() {
        INDArray z = golden.array("z");
        INDArray all = padded(z);
        for (long row = z.size(0); row < rows; row++) {
            Products.rows(all, row, 1).assign(golden.array("b").reshape(1, geometry.nOut()));
        }
        return all;
    }

    /** With rows of zeros below, up to the rows of the network's batch. */
    private INDArray padded(INDArray array) {
        INDArray all = Nd4j.zeros(DataType.DOUBLE, rows, array.size(1));
        Products.rows(all, 0, array.size(0)).assign(array);
        return all;
    }
}
