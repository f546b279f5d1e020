package org.phantom4j.cli.train;

import java.nio.file.Path;
import java.util.Map;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.Options;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.phantom4j.cli.frame.Arguments;
import org.phantom4j.cli.frame.Command;
import org.phantom4j.cli.frame.OutputFile;
import org.phantom4j.cli.frame.UsageException;
import org.phantom4j.cli.launch.CommOptions;
import org.phantom4j.cli.train.ModelOptions.Model;
import org.phantom4j.comm.Mesh;
import org.phantom4j.comm.RankContext;
import org.phantom4j.data.Batches;
import org.phantom4j.data.Corpus;
import org.phantom4j.layers.train.NetworkCost;
import org.phantom4j.ops.LayerCost;

/** {@code phantom train}: trains a network and reports what it learnt and what it cost. */
public final class TrainCommand implements Command {

    private static final int DEFAULT_EPOCHS = 10;

    @Override
    public String name() {
        return "train";
    }

    @Override
    public String summary() {
        return "Trains a phantom-parallel, tensor-parallel or dense network.";
    }

    @Override
    public Options options() {
        Options options = new Options();
        Arguments.option(options, "model", "NAME", "phantom (default), tensor or dense");
        TrainingOptions.addTo(options);
        Arguments.option(
                options,
                "data-parallel",
                "D",
                "replicas of the model, each on ranks / D ranks and with its own share of each batch (default 1)");
        Arguments.option(options, "epochs", "N", "passes over the training data (default 10)");
        Arguments.option(options, "steps", "N", "steps, instead of epochs");
        CommOptions.addTo(options);
        Arguments.option(options, "save", "FILE", "save the whole model, as Deeplearning4j's ModelSerializer does");
        Arguments.option(options, "json", "FILE", "write the results as JSON");
        return options;
    }

    @Override
    public int run(CommandLine line) throws Exception {
        Arguments arguments = new Arguments(line);
        TrainingOptions options = new TrainingOptions(arguments, arguments.choice("model", Model.class, Model.PHANTOM));
        String duration = duration(arguments);
        if (options.comm.launches()) {
            OutputFile.requireFileOfRanks("save", save(arguments));
            OutputFile.requireFileOfRanks("json", json(arguments));
            return options.comm.launch(this, arguments, options.ranks(), Map.of());
        }
        String geometry = options.geometry(name()) + " --model " + Arguments.lower(options.model.model()) + duration;
        options.comm.run(options.ranks(), geometry, group -> {
            try (Mesh mesh = Mesh.of(group, options.replicas)) {
                return RankContext.call(mesh.model(), () -> train(mesh, options));
            }
        });
        return Command.OK;
    }

    private static Path save(Arguments arguments) {
        return OutputFile.writable("save", arguments.text("save", null));
    }

    private static Path json(Arguments arguments) {
        return OutputFile.writable("json", arguments.text("json", null));
    }

    /** Trains on one rank; rank 0 reports. What fails on one rank here fails on all. */
    private static Void train(Mesh mesh, TrainingOptions options) throws Exception {
        boolean first = mesh.all().rank() == 0;
        Path save = first ? save(options.arguments) : null;
        Path json = first ? json(options.arguments) : null;
        Corpus corpus = options.corpus(mesh.all());
        ModelOptions model = options.model;
        MultiLayerConfiguration configuration = model.configuration(corpus);
        int steps = steps(options.arguments, corpus, model.batch());
        LayerCost cost = cost(model, configuration);
        try (Unsaved unsaved = new Unsaved(first, save, steps)) {
            if (first) {
                describe(options, corpus, cost, steps);
            }
            try (RankTraining training = new RankTraining(mesh, configuration, corpus, options)) {
                new TrainingRun(mesh, options, training, steps, unsaved).run(save, json, cost);
            }
        }
        return null;
    }

    private static void describe(TrainingOptions options, Corpus corpus, LayerCost cost, int steps) {
        ModelOptions model = options.model;
        System.out.println("data           " + corpus.layout().describe());
        corpus.notes().forEach(note -> System.out.println("               " + note));
        System.out.printf(
                "%s network, %,d parameters, %d shards on %d ranks (%s), %d steps of %d samples%n",
                Arguments.lower(model.model()),
                cost.parameters(),
                model.shards(),
                options.ranks(),
                options.replicas == 1
                        ? options.comm.name()
                        : options.comm.name() + ", " + options.replicas + " replicas",
                steps,
                model.batch());
    }

    /** How long to train, as on a command line. */
    private static String duration(Arguments arguments) {
        if (arguments.has("steps") && arguments.has("epochs")) {
            throw new UsageException("--steps and --epochs exclude each other");
        }
        return arguments.has("steps")
                ? " --steps " + arguments.positive("steps", 1)
                : " --epochs " + arguments.positive("epochs", DEFAULT_EPOCHS);
    }

    private static int steps(Arguments arguments, Corpus corpus, int batch) {
        long perEpoch = Batches.perEpoch(corpus.train(), batch);
        long steps = arguments.has("steps")
                ? arguments.positive("steps", 1)
                : arguments.positive("epochs", DEFAULT_EPOCHS) * perEpoch;
        return (int) Math.min(steps, Integer.MAX_VALUE);
    }

    /** By formula, for a full batch. */
    static LayerCost cost(ModelOptions model, MultiLayerConfiguration configuration) {
        return NetworkCost.of(
                configuration,
                model.ranks(),
                model.batch(),
                model.precision().activationBytes(),
                model.precision().type().width());
    }
}
