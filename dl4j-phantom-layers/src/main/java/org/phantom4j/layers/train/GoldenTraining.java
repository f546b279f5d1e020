package org.phantom4j.layers.train;

import java.util.Arrays;
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
import org.nd4j.linalg.learning.config.Sgd;
import org.phantom4j.comm.Communicator;
import org.phantom4j.comm.RankContext;
import org.phantom4j.layers.PhantomDenseLayer;
import org.phantom4j.layers.ShardedLossLayer;
import org.phantom4j.ops.PhantomGeometry;
import org.phantom4j.ops.ShardRange;
import org.phantom4j.ops.golden.GoldenCase;

/** Runs a golden training case on the current rank and compares every loss and the final parameters of its shards. */
public final class GoldenTraining {

    private final GoldenCase golden;
    private final long[] widths;
    private final ShardRange own;

    /** Prepares a case for the current thread's rank. */
    public GoldenTraining(GoldenCase golden) {
        this.golden = golden;
        this.widths = Arrays.stream(golden.text("widths").split(","))
                .mapToLong(Long::parseLong)
                .toArray();
        Communicator group = RankContext.current();
        this.own = ShardRange.of(group.rank(), group.size(), golden.shards());
    }

    /** The relative error of the losses and of each final parameter, by name. */
    public Map<String, Double> errors() {
        return errors(RankContext.runAlone(RankContext::current));
    }

    /**
     * The relative error of the losses and of each final parameter, by name, when replicas of the network share each batch.
     *
     * @param replicas the group of the same shards in all replicas
     */
    public Map<String, Double> errors(Communicator replicas) {
        return errors(DataType.DOUBLE, network -> StepTrainer.ofLayers(network, replicas));
    }

    /**
     * The same of any training.
     *
     * @param type FLOAT or DOUBLE, of the network
     */
    public Map<String, Double> errors(DataType type, Function<MultiLayerNetwork, StepTrainer> trainers) {
        MultiLayerNetwork network = RankNetwork.create(configuration(type));
        forEachParameter((key, value) -> network.getParam(key).assign(value.castTo(type)), "");
        DataSet data = RandomTraining.typed(new DataSet(golden.array("x"), golden.array("t")), type);
        int steps = Integer.parseInt(golden.text("steps"));
        double[] losses = new double[steps + 1];
        Map<String, Double> errors = new TreeMap<>();
        try (StepTrainer trainer = trainers.apply(network)) {
            for (int step = 0; step < steps; step++) {
                losses[step] = trainer.step(data);
            }
            trainer.store();
            forEachParameter(
                    (key, value) -> errors.put(key, GoldenCase.relativeError(value, network.getParam(key))), "final_");
            // the loss after the last step is that before another
            losses[steps] = trainer.step(data);
        }
        errors.put("losses", GoldenCase.relativeError(golden.array("losses"), Nd4j.createFromArray(losses)));
        return errors;
    }

    private MultiLayerConfiguration configuration(DataType type) {
        NeuralNetConfiguration.ListBuilder layers = new NeuralNetConfiguration.Builder()
                .dataType(type)
                .updater(new Sgd(Double.parseDouble(golden.text("learningRate"))))
                .list();
        for (int i = 0; i + 1 < widths.length; i++) {
            layers.layer(new PhantomDenseLayer.Builder()
                    .nOut(widths[i + 1])
                    .shards(golden.shards())
                    .phantomWidth(Long.parseLong(golden.text("phantomWidth")))
                    .activation(i + 2 < widths.length ? Activation.RELU : Activation.IDENTITY)
                    .build());
        }
        return layers.layer(
                        new ShardedLossLayer.Builder().shards(golden.shards()).build())
                .setInputType(InputType.feedForward(widths[0]))
                .build();
    }

    /** What is done with a parameter of the network and its golden value. */
    private interface Visitor {
        void visit(String key, INDArray golden);
    }

    private void forEachParameter(Visitor visitor, String prefix) {
        for (int i = 0; i + 1 < widths.length; i++) {
            PhantomGeometry geometry = golden.geometry(widths[i], widths[i + 1]);
            String layer = prefix + "l" + i + "_";
            INDArray bias = golden.array(layer + "b").reshape(1, widths[i + 1]);
            for (int j = own.first(); j < own.end(); j++) {
                visitor.visit(i + "_L" + j, golden.array(layer + "L" + j));
                visitor.visit(i + "_C" + j, golden.array(layer + "C" + j));
                if (geometry.shards() > 1) {
                    visitor.visit(i + "_D" + j, golden.decompressors(layer + "D", geometry, j));
                }
                visitor.visit(i + "_b" + j, GoldenCase.columns(bias, geometry.out(), new ShardRange(j, j + 1)));
            }
        }
    }
}
