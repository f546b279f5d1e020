package org.phantom4j.cli.train;

import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.commons.cli.Options;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.BaseOutputLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.weights.WeightInit;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.phantom4j.cli.frame.Arguments;
import org.phantom4j.cli.frame.UsageException;
import org.phantom4j.cli.gpus.Precision;
import org.phantom4j.data.Corpus;
import org.phantom4j.layers.PhantomDenseLayer;
import org.phantom4j.layers.ShardedLossLayer;
import org.phantom4j.layers.ShardedOutputLayer;
import org.phantom4j.layers.TensorParallelDenseLayer;

/**
 * The options that say which network is trained and how, and the configuration they make.
 *
 * @param ranks that share the model: those of one replica
 */
record ModelOptions(
        Model model,
        int width,
        int layers,
        int shards,
        int phantomWidth,
        int ranks,
        int batch,
        Updater updater,
        double learningRate,
        Precision precision,
        long seed) {

    private static final int DEFAULT_SHARDS = 4;

    /** What the network is made of. */
    enum Model {
        PHANTOM,
        TENSOR,
        DENSE
    }

    /** How parameters are updated. */
    enum Updater {
        SGD,
        MOMENTUM,
        ADAM
    }

    static void addTo(Options options) {
        Arguments.option(options, "data", "SOURCE", "synthetic (default), idx:DIR or csv:FILE (docs/data.md)");
        DataOptions.addTo(options);
        Arguments.option(options, "width", "N", "neurons of a layer (default 1024)");
        Arguments.option(options, "layers", "L", "sharded layers (default 3)");
        Arguments.option(options, "shards", "P", "shards of the model (default 4)");
        Arguments.option(options, "phantom-width", "K", "phantom width (default 16)");
        Arguments.option(options, "batch", "B", "samples a step (default 128)");
        Arguments.option(options, "updater", "NAME", "sgd, momentum or adam (default)");
        Arguments.option(options, "learning-rate", "RATE", "default: adam 0.001, sgd 0.1, momentum 0.02");
        Arguments.option(options, "precision", "NAME", "fp32 (default) or fp64; on cuda also tf32, bf16 and bf16_pure");
        Arguments.option(options, "seed", "SEED", "of parameters, data and order (default 1)");
    }

    static int shards(Arguments arguments) {
        return arguments.positive("shards", DEFAULT_SHARDS);
    }

    /** The number of ranks that a model is trained on if none is given. */
    static int defaultRanks(Arguments arguments, Model model) {
        return model == Model.DENSE || arguments.positive("shards", DEFAULT_SHARDS) % 2 != 0 ? 1 : 2;
    }

    static ModelOptions parse(Arguments arguments, Model model, int ranks) {
        Updater updater = arguments.choice("updater", Updater.class, Updater.ADAM);
        ModelOptions options = new ModelOptions(
                model,
                arguments.positive("width", 1024),
                arguments.positive("layers", 3),
                arguments.positive("shards", DEFAULT_SHARDS),
                arguments.positive("phantom-width", 16),
                ranks,
                arguments.positive("batch", 128),
                updater,
                arguments.positiveDecimal("learning-rate", defaultRate(updater)),
                arguments.choice("precision", Precision.class, Precision.FP32),
                arguments.number("seed", 1));
        options.check();
        return options;
    }

    private static double defaultRate(Updater updater) {
        return switch (updater) {
            case SGD -> 0.1;
            case MOMENTUM -> 0.02;
            case ADAM -> 0.001;
        };
    }

    private void check() {
        if (model == Model.DENSE && ranks > 1) {
            throw new UsageException("--model dense runs on --ranks 1, or on as many as --data-parallel");
        }
        requireDivides(ranks, shards);
        if (model != Model.DENSE && width < shards) {
            throw new UsageException("--width " + width + " is less than --shards " + shards
                    + ": every shard needs at least one neuron");
        }
    }

    static void requireDivides(int ranks, int shards) {
        if (shards % ranks != 0) {
            throw new UsageException("--ranks " + ranks + " does not divide the " + shards + " shards: use "
                    + IntStream.rangeClosed(1, shards)
                            .filter(r -> shards % r == 0)
                            .mapToObj(Integer::toString)
                            .collect(Collectors.joining(", ")));
        }
    }

    /** The same options for another model. */
    ModelOptions with(Model other) {
        return new ModelOptions(
                other, width, layers, shards, phantomWidth, ranks, batch, updater, learningRate, precision, seed);
    }

    /** All values, as on a command line. */
    String words() {
        return "--width " + width + " --layers " + layers + " --shards " + shards + " --phantom-width " + phantomWidth
                + " --batch " + batch + " --updater " + Arguments.lower(updater) + " --learning-rate " + learningRate
                + " --precision " + Arguments.lower(precision) + " --seed " + seed;
    }

    /** The network for a data set. */
    MultiLayerConfiguration configuration(Corpus corpus) {
        if (model != Model.DENSE && corpus.inputs() < shards) {
            throw new UsageException("the data has " + corpus.inputs() + " features, too few for --shards " + shards);
        }
        NeuralNetConfiguration.ListBuilder list = new NeuralNetConfiguration.Builder()
                .seed(seed)
                .dataType(precision.type())
                .weightInit(corpus.classes() ? WeightInit.RELU : WeightInit.XAVIER)
                .updater(newUpdater())
                .list();
        boolean regression = !corpus.classes();
        // wide targets: the last layer's own outputs; few: an output layer on top
        boolean wideTargets = regression && corpus.outputs() >= shards;
        for (int i = 0; i < layers; i++) {
            boolean last = i + 1 == layers && wideTargets;
            list.layer(hidden(last ? corpus.outputs() : width, last ? Activation.IDENTITY : Activation.RELU));
        }
        return list.layer(output(corpus, wideTargets))
                .setInputType(InputType.feedForward(corpus.inputs()))
                .build();
    }

    private Layer hidden(long nOut, Activation activation) {
        return switch (model) {
            case PHANTOM ->
                new PhantomDenseLayer.Builder()
                        .nOut(nOut)
                        .shards(shards)
                        .phantomWidth(phantomWidth)
                        .activation(activation)
                        .build();
            case TENSOR ->
                new TensorParallelDenseLayer.Builder()
                        .nOut(nOut)
                        .shards(shards)
                        .activation(activation)
                        .build();
            case DENSE ->
                new DenseLayer.Builder().nOut(nOut).activation(activation).build();
        };
    }

    private Layer output(Corpus corpus, boolean wideTargets) {
        if (wideTargets) {
            return model == Model.DENSE
                    ? new LossLayer.Builder(LossFunction.MSE)
                            .activation(Activation.IDENTITY)
                            .build()
                    : new ShardedLossLayer.Builder(LossFunction.MSE)
                            .shards(shards)
                            .build();
        }
        BaseOutputLayer.Builder<?> output =
                model == Model.DENSE ? new OutputLayer.Builder() : new ShardedOutputLayer.Builder().shards(shards);
        output.nOut(corpus.outputs()).weightInit(WeightInit.XAVIER);
        return corpus.classes()
                ? output.lossFunction(LossFunction.MCXENT)
                        .activation(Activation.SOFTMAX)
                        .build()
                : output.lossFunction(LossFunction.MSE)
                        .activation(Activation.IDENTITY)
                        .build();
    }

    private IUpdater newUpdater() {
        return switch (updater) {
            case SGD -> new Sgd(learningRate);
            case MOMENTUM -> new Nesterovs(learningRate, 0.9);
            case ADAM -> new Adam(learningRate);
        };
    }
}
