package org.phantom4j.examples.cli;

import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.Options;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.util.ModelSerializer;
import org.phantom4j.comm.Communicator;
import org.phantom4j.comm.LocalRanks;
import org.phantom4j.examples.cli.ModelOptions.Model;
import org.phantom4j.examples.data.Batches;
import org.phantom4j.examples.data.Corpus;
import org.phantom4j.layers.CommunicationPlan;
import org.phantom4j.layers.train.ComputeThreads;
import org.phantom4j.layers.train.NetworkCost;
import org.phantom4j.layers.train.PeakMemory;
import org.phantom4j.layers.train.RankNetwork;
import org.phantom4j.ops.LayerCost;

/** {@code phantom train}: trains a network and reports what it learnt and what it cost. */
final class TrainCommand implements Command {

    private static final int DEFAULT_EPOCHS = 10;

    /** What one rank did; {@code whole} is on rank 0 only. */
    private record RankResult(
            double[] stepMs,
            double finalLoss,
            RankTraining.Score test,
            long bytes,
            long multiplyAdds,
            long parameters,
            MultiLayerNetwork whole) {}

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
        ModelOptions.addTo(options);
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
        ModelOptions model = ModelOptions.parse(arguments, arguments.choice("model", Model.class, Model.PHANTOM));
        Duration timeout = CommOptions.timeout(arguments);
        Path save = arguments.has("save") ? AtomicFile.writable("save", arguments.text("save", null)) : null;
        Path json = arguments.has("json") ? AtomicFile.writable("json", arguments.text("json", null)) : null;
        Corpus corpus = arguments
                .data("synthetic")
                .corpus(model.width(), model.precision().type(), model.seed());
        MultiLayerConfiguration configuration = model.configuration(corpus);
        int steps = steps(arguments, corpus, model.batch());
        LayerCost cost = cost(model, configuration);

        ComputeThreads.shareAmong(model.ranks());
        System.out.printf(
                "%s network, %,d parameters, %d shards on %d ranks (local), %d steps of %d samples%n",
                Arguments.lower(model.model()), cost.parameters(), model.shards(), model.ranks(), steps, model.batch());
        List<RankResult> ranks = LocalRanks.run(
                model.ranks(), timeout, group -> train(group, model, configuration, corpus, steps, cost.bytes()));
        RankResult first = ranks.get(0);
        Map<String, Object> results = results(model, steps, cost, ranks);
        print(results);
        if (save != null) {
            AtomicFile.write(save, partial -> {
                ModelSerializer.writeModel(first.whole(), partial.toFile(), false);
                if (corpus.normalizer() != null) {
                    ModelSerializer.addNormalizerToModel(partial.toFile(), corpus.normalizer());
                }
            });
            System.out.println("saved " + save);
        }
        if (json != null) {
            Report.write(json, results);
        }
        return Main.OK;
    }

    private static int steps(Arguments arguments, Corpus corpus, int batch) {
        if (arguments.has("steps") && arguments.has("epochs")) {
            throw new UsageException("--steps and --epochs exclude each other");
        }
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
                model.precision().type().width());
    }

    private static RankResult train(
            Communicator group,
            ModelOptions model,
            MultiLayerConfiguration configuration,
            Corpus corpus,
            int steps,
            long bytesPerStep) {
        RankTraining training = new RankTraining(configuration, corpus, model.batch(), model.seed());
        double[] stepMs = new double[steps];
        double loss = Double.NaN;
        long bytes = 0;
        long multiplyAdds = 0;
        try (StepProgress progress = StepProgress.on(group.rank() == 0, steps, model.batch(), bytesPerStep)) {
            for (int step = 0; step < steps; step++) {
                long began = System.nanoTime();
                loss = training.step();
                stepMs[step] = (System.nanoTime() - began) / 1e6;
                // the last batch of an epoch may be smaller: the first is what the formula speaks of
                bytes = step == 0 ? training.lastBytes() : bytes;
                multiplyAdds = step == 0 ? training.lastMultiplyAdds() : multiplyAdds;
                progress.step(loss);
            }
        }
        RankTraining.Score test = training.score(corpus.test(), corpus.classes());
        long parameters = training.network().numParams();
        MultiLayerNetwork whole = RankNetwork.gather(training.network());
        return new RankResult(stepMs, loss, test, bytes, multiplyAdds, parameters, whole);
    }

    private static Map<String, Object> results(ModelOptions model, int steps, LayerCost cost, List<RankResult> ranks) {
        RankResult first = ranks.get(0);
        double msPerStep = RankTraining.median(first.stepMs());
        OptionalLong peak = PeakMemory.bytes();
        boolean dense = model.model() == Model.DENSE;
        Map<String, Object> results = new LinkedHashMap<>();
        results.put("model", Arguments.lower(model.model()));
        results.put("shards", dense ? 1 : model.shards());
        results.put("phantomWidth", model.model() == Model.PHANTOM ? model.phantomWidth() : null);
        results.put("ranks", model.ranks());
        results.put("comm", "local");
        results.put("precision", Arguments.lower(model.precision()));
        results.put("width", model.width());
        results.put("layers", model.layers());
        results.put("batch", model.batch());
        results.put("updater", Arguments.lower(model.updater()));
        results.put("learningRate", model.learningRate());
        results.put("seed", model.seed());
        results.put("steps", steps);
        results.put("parameters", cost.parameters());
        results.put(
                "parametersByRank", ranks.stream().map(RankResult::parameters).toList());
        results.put(
                "multiplyAdds",
                dense
                        ? cost.multiplyAdds()
                        : ranks.stream().mapToLong(RankResult::multiplyAdds).sum());
        results.put("bytesSent", ranks.stream().mapToLong(RankResult::bytes).sum());
        results.put("msPerStep", msPerStep);
        results.put("samplesPerSecond", 1000 * model.batch() / msPerStep);
        results.put("finalLoss", first.finalLoss());
        results.put("testLoss", first.test().loss());
        results.put("testAccuracy", first.test().accuracy());
        results.put("peakBytes", peak.isPresent() ? peak.getAsLong() : null);
        results.put("joules", null);
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
                "parameters     %,d, by rank %s%n", (Long) results.get("parameters"), results.get("parametersByRank"));
        System.out.println("energy         not measured");
    }
}
