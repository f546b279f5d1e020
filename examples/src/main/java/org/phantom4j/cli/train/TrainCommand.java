package org.phantom4j.cli.train;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.Options;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.util.ModelSerializer;
import org.phantom4j.cli.frame.Arguments;
import org.phantom4j.cli.frame.AtomicFile;
import org.phantom4j.cli.frame.Command;
import org.phantom4j.cli.frame.Report;
import org.phantom4j.cli.frame.UsageException;
import org.phantom4j.cli.launch.CommOptions;
import org.phantom4j.cli.launch.RankEnergy;
import org.phantom4j.cli.launch.RankResults;
import org.phantom4j.cli.train.ModelOptions.Model;
import org.phantom4j.comm.Mesh;
import org.phantom4j.comm.RankContext;
import org.phantom4j.data.Batches;
import org.phantom4j.data.Corpus;
import org.phantom4j.layers.CommunicationPlan;
import org.phantom4j.layers.train.NetworkCost;
import org.phantom4j.layers.train.RankNetwork;
import org.phantom4j.ops.LayerCost;

/** {@code phantom train}: trains a network and reports what it learnt and what it cost. */
public final class TrainCommand implements Command {

    private static final int DEFAULT_EPOCHS = 10;

    /**
     * What the ranks did.
     *
     * @param bytes of the first step, of all ranks
     * @param multiplyAdds of the first step, of all ranks
     * @param parameters of each rank
     */
    private record Measured(
            double msPerStep,
            double finalLoss,
            RankTraining.Score test,
            long bytes,
            long multiplyAdds,
            long[] parameters,
            OptionalLong peakBytes,
            OptionalDouble joules,
            RankTraining.GpuUse gpu) {}

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
            save(arguments);
            json(arguments);
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
        return AtomicFile.writable("save", arguments.text("save", null));
    }

    private static Path json(Arguments arguments) {
        return AtomicFile.writable("json", arguments.text("json", null));
    }

    /** Trains on one rank; rank 0 reports. What fails on one rank here fails on all. */
    private static Void train(Mesh mesh, TrainingOptions options) throws Exception {
        boolean first = mesh.all().rank() == 0;
        Path save = first ? save(options.arguments) : null;
        Path json = first ? json(options.arguments) : null;
        Corpus corpus = options.corpus();
        ModelOptions model = options.model;
        MultiLayerConfiguration configuration = model.configuration(corpus);
        int steps = steps(options.arguments, corpus, model.batch());
        LayerCost cost = cost(model, configuration);
        if (first) {
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
        try (RankTraining training = new RankTraining(mesh, configuration, corpus, options)) {
            finish(mesh, options, corpus, training, steps, cost, save, json);
        }
        return null;
    }

    private static void finish(
            Mesh mesh,
            TrainingOptions options,
            Corpus corpus,
            RankTraining training,
            int steps,
            LayerCost cost,
            Path save,
            Path json)
            throws Exception {
        Map<String, Object> results = results(options, steps, cost, run(mesh, options, training, steps));
        MultiLayerNetwork whole = null;
        if (RankResults.sum(mesh.all(), save == null ? 0 : 1) > 0 && mesh.replica() == 0) {
            training.requireFinite();
            whole = RankNetwork.gather(training.network());
        }
        MultiLayerNetwork saved = whole;
        RankResults.onFirstRank(mesh.all(), () -> {
            report(results, save, saved, corpus, json);
            return null;
        });
    }

    private static void report(
            Map<String, Object> results, Path save, MultiLayerNetwork whole, Corpus corpus, Path json)
            throws IOException {
        print(results);
        if (save != null) {
            AtomicFile.write(save, partial -> {
                ModelSerializer.writeModel(whole, partial.toFile(), false);
                if (corpus.normalizer() != null) {
                    ModelSerializer.addNormalizerToModel(partial.toFile(), corpus.normalizer());
                }
            });
            System.out.println("saved " + save);
        }
        if (json != null) {
            Report.write(json, results);
        }
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
                CommunicationPlan.apply(configuration.clone()),
                model.ranks(),
                model.batch(),
                model.precision().activationBytes(),
                model.precision().type().width());
    }

    private static Measured run(Mesh mesh, TrainingOptions options, RankTraining training, int steps) {
        try (RankEnergy energy = RankEnergy.start(mesh.all(), options.device)) {
            return run(mesh, options, training, steps, energy);
        }
    }

    private static Measured run(
            Mesh mesh, TrainingOptions options, RankTraining training, int steps, RankEnergy energy) {
        Corpus corpus = options.corpus();
        int batch = options.model.batch();
        double[] stepMs = new double[steps];
        double loss = Double.NaN;
        long bytes = 0;
        long multiplyAdds = 0;
        try (StepProgress progress = StepProgress.on(mesh.all().rank() == 0, steps, batch)) {
            for (int step = 0; step < steps; step++) {
                long began = System.nanoTime();
                loss = training.step();
                stepMs[step] = (System.nanoTime() - began) / 1e6;
                if (step == 0) {
                    // the last batch of an epoch may be smaller: the first is what the formula speaks of
                    bytes = RankResults.sum(mesh.all(), training.lastBytes());
                    multiplyAdds = RankResults.sum(mesh.all(), training.lastMultiplyAdds());
                    progress.bytesPerStep(bytes);
                }
                progress.step(loss);
            }
        }
        OptionalDouble joules = energy.joules();
        RankTraining.Score test = training.score(corpus.test(), corpus.classes());
        long[] parameters = RankResults.gather(mesh.all(), training.network().numParams());
        RankTraining.GpuUse gpu = training.release();
        OptionalLong peak =
                RankResults.peakBytes(mesh.all(), options.comm.backend().ranksAreProcesses());
        return new Measured(
                RankTraining.median(stepMs), loss, test, bytes, multiplyAdds, parameters, peak, joules, gpu);
    }

    private static Map<String, Object> results(TrainingOptions options, int steps, LayerCost cost, Measured measured) {
        ModelOptions model = options.model;
        boolean dense = model.model() == Model.DENSE;
        Map<String, Object> results = new LinkedHashMap<>();
        results.put("model", Arguments.lower(model.model()));
        results.put("shards", dense ? 1 : model.shards());
        results.put("phantomWidth", model.model() == Model.PHANTOM ? model.phantomWidth() : null);
        results.put("ranks", options.ranks());
        results.put("dataParallel", options.replicas);
        results.put("comm", options.comm.name());
        results.put("precision", Arguments.lower(model.precision()));
        results.put("width", model.width());
        results.put("layers", model.layers());
        results.put("batch", model.batch());
        results.put("updater", Arguments.lower(model.updater()));
        results.put("learningRate", model.learningRate());
        results.put("seed", model.seed());
        results.put("steps", steps);
        results.put("parameters", cost.parameters());
        results.put("parametersByRank", measured.parameters());
        // Deeplearning4j's dense layers do not count their products
        results.put("multiplyAdds", dense ? cost.multiplyAdds() : measured.multiplyAdds());
        results.put("bytesSent", measured.bytes());
        results.put("msPerStep", measured.msPerStep());
        results.put("samplesPerSecond", 1000 * model.batch() / measured.msPerStep());
        results.put("finalLoss", measured.finalLoss());
        results.put("testLoss", measured.test().loss());
        results.put("testAccuracy", measured.test().accuracy());
        results.put(
                "peakBytes",
                measured.peakBytes().isPresent() ? measured.peakBytes().getAsLong() : null);
        results.put(
                "joulesPerSample",
                measured.joules().isPresent() ? measured.joules().getAsDouble() / steps / model.batch() : null);
        results.put("device", options.device.cuda() ? "cuda" : "cpu");
        RankTraining.GpuUse gpu = measured.gpu();
        // of rank 0: the ranks' shares differ by a neuron's at most
        results.put("gpuBytesComputed", gpu == null ? null : gpu.need().total());
        results.put("gpuBytesMeasured", gpu == null ? null : gpu.measured().peakBytes());
        results.put("gpuBytesBeside", gpu == null ? null : gpu.measured().restBytes());
        results.put("joules", measured.joules().isPresent() ? measured.joules().getAsDouble() : null);
        return results;
    }

    private static void print(Map<String, Object> results) {
        System.out.printf("final loss     %.6g%n", (Double) results.get("finalLoss"));
        System.out.printf("test loss      %.6g%n", (Double) results.get("testLoss"));
        if (results.get("testAccuracy") instanceof Double accuracy) {
            System.out.printf("test accuracy  %.2f %%%n", 100 * accuracy);
        }
        System.out.printf(
                "a step         %.2f ms (median), %,d multiply-adds, %,d bytes between ranks%n",
                (Double) results.get("msPerStep"), (Long) results.get("multiplyAdds"), (Long) results.get("bytesSent"));
        System.out.printf("samples/s      %.0f%n", (Double) results.get("samplesPerSecond"));
        System.out.printf(
                "parameters     %,d, by rank %s%n",
                (Long) results.get("parameters"), Arrays.toString((long[]) results.get("parametersByRank")));
        if (results.get("gpuBytesMeasured") instanceof Long bytes) {
            long computed = (Long) results.get("gpuBytesComputed");
            System.out.printf(
                    "GPU memory     %,d MiB measured, %.3f of %,d MiB computed; %,d MiB beside it (CUDA, its libraries)%n",
                    bytes >> 20, (double) bytes / computed, computed >> 20, (Long) results.get("gpuBytesBeside") >> 20);
        }
        System.out.println("energy         "
                + (results.get("joules") instanceof Double joules
                        ? String.format("%.1f J, %.4g J a sample", joules, (Double) results.get("joulesPerSample"))
                        : "not measured"));
    }
}
