package org.phantom4j.examples.cli;

import com.github.freva.asciitable.AsciiTable;
import com.github.freva.asciitable.Column;
import com.github.freva.asciitable.HorizontalAlign;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.Options;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.phantom4j.comm.Communicator;
import org.phantom4j.comm.LocalRanks;
import org.phantom4j.examples.cli.ModelOptions.Model;
import org.phantom4j.examples.data.Corpus;
import org.phantom4j.layers.train.ComputeThreads;
import org.phantom4j.layers.train.PeakMemory;
import org.phantom4j.ops.LayerCost;

/** {@code phantom compare}: phantom beside tensor parallelism, on the same data, seed and ranks. */
final class CompareCommand implements Command {

    private static final int DEFAULT_STEPS = 100;
    private static final int WARM_UP = 5;
    private static final int TIMED_STEPS = 5;

    /** What was measured of one model. Memory in bytes; null where it is not known. */
    record Outcome(
            String model,
            LayerCost formula,
            long countedParameters,
            long countedMultiplyAdds,
            long countedBytes,
            double msPerStep,
            Long peakBytes,
            double loss,
            Double testLoss,
            Double testAccuracy) {

        boolean agrees() {
            return formula.parameters() == countedParameters
                    && formula.multiplyAdds() == countedMultiplyAdds
                    && formula.bytes() == countedBytes;
        }
    }

    /** What one rank counted and learnt. */
    private record RankCounts(long parameters, long multiplyAdds, long bytes, double loss, RankTraining.Score test) {}

    @Override
    public String name() {
        return "compare";
    }

    @Override
    public String summary() {
        return "Compares phantom with tensor parallelism: parameters, products, bytes, time, memory and loss.";
    }

    @Override
    public Options options() {
        Options options = new Options();
        ModelOptions.addTo(options);
        Arguments.option(options, "steps", "N", "training steps of each model (default 100)");
        Arguments.option(options, "repeats", "N", "timed repeats of 5 steps, the models in turn (default 9)");
        CommOptions.addTo(options);
        Arguments.option(options, "json", "FILE", "write the results as JSON");
        Arguments.option(options, "chart", "FILE", "draw the results as a PNG (default phantom-compare.png)");
        return options;
    }

    @Override
    public int run(CommandLine line) throws Exception {
        Arguments arguments = new Arguments(line);
        List<ModelOptions> models =
                List.of(ModelOptions.parse(arguments, Model.PHANTOM), ModelOptions.parse(arguments, Model.TENSOR));
        Duration timeout = CommOptions.timeout(arguments);
        int steps = arguments.positive("steps", DEFAULT_STEPS);
        int repeats = arguments.positive("repeats", 9);
        Path json = arguments.has("json") ? AtomicFile.writable("json", arguments.text("json", null)) : null;
        Path chart = AtomicFile.writable("chart", arguments.text("chart", "phantom-compare.png"));
        ModelOptions first = models.get(0);
        Corpus corpus = arguments
                .data("synthetic")
                .corpus(first.width(), first.precision().type(), first.seed());
        if (first.batch() > corpus.train().size()) {
            throw new UsageException("--batch " + first.batch() + " is more than the "
                    + corpus.train().size() + " training samples");
        }
        ComputeThreads.shareAmong(first.ranks());

        List<Outcome> outcomes = new ArrayList<>();
        double[][] times = times(models, corpus, timeout, repeats);
        for (int i = 0; i < models.size(); i++) {
            outcomes.add(train(models.get(i), corpus, steps, timeout, RankTraining.median(times[i])));
        }
        System.out.println(table(outcomes, first, steps));
        AtomicFile.write(chart, partial -> CompareChart.write(partial, outcomes));
        System.out.println("chart: " + chart);
        if (json != null) {
            Report.write(json, results(outcomes, first, steps));
        }
        for (Outcome outcome : outcomes) {
            if (!outcome.agrees()) {
                throw new IllegalStateException(
                        outcome.model() + ": what was counted differs from the formula: " + outcome);
            }
        }
        return Main.OK;
    }

    /** Milliseconds a step of each model, repeat by repeat, the models in turn on the same ranks. */
    private static double[][] times(List<ModelOptions> models, Corpus corpus, Duration timeout, int repeats)
            throws Exception {
        return LocalRanks.run(models.get(0).ranks(), timeout, group -> {
                    List<RankTraining> trainings = new ArrayList<>();
                    for (ModelOptions model : models) {
                        trainings.add(newTraining(model, corpus));
                    }
                    double[][] ms = new double[models.size()][repeats];
                    for (int repeat = -1; repeat < repeats; repeat++) {
                        for (int i = 0; i < models.size(); i++) {
                            double each = time(group, trainings.get(i), repeat < 0 ? WARM_UP : TIMED_STEPS);
                            if (repeat >= 0) {
                                ms[i][repeat] = each;
                            }
                        }
                    }
                    return ms;
                })
                .get(0);
    }

    private static double time(Communicator group, RankTraining training, int steps) {
        group.barrier();
        long began = System.nanoTime();
        for (int step = 0; step < steps; step++) {
            training.step();
        }
        group.barrier();
        return (System.nanoTime() - began) / 1e6 / steps;
    }

    private static RankTraining newTraining(ModelOptions model, Corpus corpus) {
        MultiLayerConfiguration configuration = model.configuration(corpus);
        return new RankTraining(configuration, corpus, model.batch(), model.seed());
    }

    /** Trains one model alone, so that its memory can be told from the other's. */
    private static Outcome train(ModelOptions model, Corpus corpus, int steps, Duration timeout, double msPerStep)
            throws Exception {
        System.gc();
        OptionalLong before = PeakMemory.currentBytes();
        boolean measured = PeakMemory.reset() && before.isPresent();
        List<RankCounts> ranks = LocalRanks.run(model.ranks(), timeout, group -> {
            RankTraining training = newTraining(model, corpus);
            double loss = training.step();
            long multiplyAdds = training.lastMultiplyAdds();
            long bytes = training.lastBytes();
            for (int step = 1; step < steps; step++) {
                loss = training.step();
            }
            RankTraining.Score test = training.score(corpus.test(), corpus.classes());
            return new RankCounts(training.network().numParams(), multiplyAdds, bytes, loss, test);
        });
        Long peak = measured ? Long.valueOf(PeakMemory.bytes().orElse(0) - before.getAsLong()) : null;
        RankCounts first = ranks.get(0);
        return new Outcome(
                Arguments.lower(model.model()),
                TrainCommand.cost(model, model.configuration(corpus)),
                ranks.stream().mapToLong(RankCounts::parameters).sum() - replicated(model, corpus),
                ranks.stream().mapToLong(RankCounts::multiplyAdds).sum(),
                ranks.stream().mapToLong(RankCounts::bytes).sum(),
                msPerStep,
                peak,
                first.loss(),
                first.test().loss(),
                first.test().accuracy());
    }

    /** Parameters that the ranks hold more than once: the output layer's bias. */
    private static long replicated(ModelOptions model, Corpus corpus) {
        boolean outputLayer = corpus.classes() || corpus.outputs() < model.shards();
        return outputLayer ? (model.ranks() - 1) * corpus.outputs() : 0;
    }

    private static String table(List<Outcome> outcomes, ModelOptions options, int steps) {
        Outcome phantom = outcomes.get(0);
        Outcome tensor = outcomes.get(1);
        List<Object[]> rows = new ArrayList<>();
        row(rows, "parameters", phantom.formula().parameters(), tensor.formula().parameters());
        row(rows, "  counted", phantom.countedParameters(), tensor.countedParameters());
        row(
                rows,
                "multiply-adds a step",
                phantom.formula().multiplyAdds(),
                tensor.formula().multiplyAdds());
        row(rows, "  counted", phantom.countedMultiplyAdds(), tensor.countedMultiplyAdds());
        row(rows, "bytes a step", phantom.formula().bytes(), tensor.formula().bytes());
        row(rows, "  counted", phantom.countedBytes(), tensor.countedBytes());
        rows.add(new Object[] {
            "ms a step (median)",
            String.format("%.2f", phantom.msPerStep()),
            String.format("%.2f", tensor.msPerStep()),
            String.format("%.2f", phantom.msPerStep() / tensor.msPerStep())
        });
        if (phantom.peakBytes() != null && tensor.peakBytes() != null) {
            row(rows, "peak memory (bytes)", phantom.peakBytes(), tensor.peakBytes());
        }
        decimal(rows, "loss after " + steps + " steps", phantom.loss(), tensor.loss());
        decimal(rows, "test loss", phantom.testLoss(), tensor.testLoss());
        if (phantom.testAccuracy() != null) {
            decimal(rows, "test accuracy", phantom.testAccuracy(), tensor.testAccuracy());
        }
        rows.add(new Object[] {"energy", "not measured", "not measured", ""});
        Column[] columns = {
            new Column().dataAlign(HorizontalAlign.LEFT),
            new Column().header("phantom"),
            new Column().header("tensor"),
            new Column().header("ratio")
        };
        return String.format(
                "%d layers of %d, %d shards on %d ranks, phantom width %d, batch %d%n%s",
                options.layers(),
                options.width(),
                options.shards(),
                options.ranks(),
                options.phantomWidth(),
                options.batch(),
                AsciiTable.getTable(AsciiTable.NO_BORDERS, columns, rows.toArray(new Object[0][])));
    }

    private static void row(List<Object[]> rows, String name, long phantom, long tensor) {
        String ratio = tensor == 0 ? "" : String.format("%.2f", (double) phantom / tensor);
        rows.add(new Object[] {name, String.format("%,d", phantom), String.format("%,d", tensor), ratio});
    }

    private static void decimal(List<Object[]> rows, String name, double phantom, double tensor) {
        rows.add(new Object[] {name, String.format("%.5g", phantom), String.format("%.5g", tensor), ""});
    }

    private static Map<String, Object> results(List<Outcome> outcomes, ModelOptions options, int steps) {
        Map<String, Object> results = new LinkedHashMap<>();
        results.put("width", options.width());
        results.put("layers", options.layers());
        results.put("shards", options.shards());
        results.put("phantomWidth", options.phantomWidth());
        results.put("ranks", options.ranks());
        results.put("comm", "local");
        results.put("precision", Arguments.lower(options.precision()));
        results.put("batch", options.batch());
        results.put("steps", steps);
        for (Outcome outcome : outcomes) {
            Map<String, Object> values = new LinkedHashMap<>();
            values.put("parameters", outcome.formula().parameters());
            values.put("parametersCounted", outcome.countedParameters());
            values.put("multiplyAdds", outcome.formula().multiplyAdds());
            values.put("multiplyAddsCounted", outcome.countedMultiplyAdds());
            values.put("bytesSent", outcome.formula().bytes());
            values.put("bytesSentCounted", outcome.countedBytes());
            values.put("msPerStep", outcome.msPerStep());
            values.put("peakBytes", outcome.peakBytes());
            values.put("finalLoss", outcome.loss());
            values.put("testLoss", outcome.testLoss());
            values.put("testAccuracy", outcome.testAccuracy());
            values.put("joules", null);
            results.put(outcome.model(), values);
        }
        return results;
    }
}
