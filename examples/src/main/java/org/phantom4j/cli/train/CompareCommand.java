package org.phantom4j.cli.train;

import com.github.freva.asciitable.AsciiTable;
import com.github.freva.asciitable.Column;
import com.github.freva.asciitable.HorizontalAlign;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.Options;
import org.phantom4j.cli.frame.Arguments;
import org.phantom4j.cli.frame.Command;
import org.phantom4j.cli.frame.OutputFile;
import org.phantom4j.cli.frame.Report;
import org.phantom4j.cli.frame.UsageException;
import org.phantom4j.cli.launch.CommOptions;
import org.phantom4j.cli.launch.RankEnergy;
import org.phantom4j.cli.launch.RankResults;
import org.phantom4j.cli.train.ModelOptions.Model;
import org.phantom4j.comm.Communicator;
import org.phantom4j.comm.Mesh;
import org.phantom4j.data.Corpus;
import org.phantom4j.layers.train.StepListener;
import org.phantom4j.ops.LayerCost;

/** {@code phantom compare}: phantom beside tensor parallelism, on the same data, seed and ranks. */
public final class CompareCommand implements Command {

    private static final int DEFAULT_STEPS = 100;
    private static final int WARM_UP = 5;
    private static final int TIMED_STEPS = 5;

    /** Counters of GPUs move some ten times a second. */
    private static final double ENERGY_MS = 2000;

    private static final int MOST_STEPS = 50_000;

    /** What was measured of one model. Memory in bytes; null where it is not known. */
    record Outcome(
            String model,
            LayerCost formula,
            long countedParameters,
            long countedMultiplyAdds,
            long countedBytes,
            double msPerStep,
            Double joulesPerStep,
            Long deviceBytes,
            double loss,
            Double testLoss,
            Double testAccuracy) {

        boolean agrees() {
            return formula.parameters() == countedParameters
                    && formula.multiplyAdds() == countedMultiplyAdds
                    && formula.bytes() == countedBytes;
        }
    }

    @Override
    public String name() {
        return "compare";
    }

    @Override
    public String summary() {
        return "Compares phantom with tensor parallelism: parameters, products, bytes, time, energy, memory and loss.";
    }

    @Override
    public Options options() {
        Options options = new Options();
        TrainingOptions.addTo(options);
        Arguments.option(options, "steps", "N", "training steps of each model (default 100)");
        Arguments.option(options, "repeats", "N", "timed repeats of 5 steps, the models in turn (default 9)");
        CommOptions.addTo(options);
        Arguments.option(options, "json", "FILE", "write the results as JSON");
        Arguments.option(options, "chart", "FILE", "draw the results as a PNG");
        return options;
    }

    @Override
    public int run(CommandLine line) throws Exception {
        Arguments arguments = new Arguments(line);
        TrainingOptions options = new TrainingOptions(arguments, Model.PHANTOM);
        int steps = arguments.positive("steps", DEFAULT_STEPS);
        int repeats = arguments.positive("repeats", 9);
        if (options.comm.launches()) {
            OutputFile.requireFileOfRanks("json", json(arguments));
            OutputFile.requireFileOfRanks("chart", chart(arguments));
            return options.comm.launch(this, arguments, options.ranks(), Map.of());
        }
        String geometry = options.geometry(name()) + " --steps " + steps + " --repeats " + repeats;
        options.comm.run(options.ranks(), geometry, group -> compare(group, options, steps, repeats));
        return Command.OK;
    }

    private static Path json(Arguments arguments) {
        return OutputFile.writable("json", arguments.text("json", null));
    }

    private static Path chart(Arguments arguments) {
        return OutputFile.writable("chart", arguments.text("chart", null));
    }

    /** Compares on one rank; rank 0 reports. What fails on one rank here fails on all. */
    private static Void compare(Communicator group, TrainingOptions options, int steps, int repeats) throws Exception {
        boolean isFirst = group.rank() == 0;
        Path json = isFirst ? json(options.arguments) : null;
        Path chart = isFirst ? chart(options.arguments) : null;
        Corpus corpus = options.corpus(group);
        if (options.model.batch() > corpus.train().size()) {
            throw new UsageException("--batch " + options.model.batch() + " is more than the "
                    + corpus.train().size() + " training samples");
        }
        Mesh mesh = Mesh.of(group, 1);
        List<ModelOptions> models = List.of(options.model, options.model.with(Model.TENSOR));
        List<Pace> paces = paces(mesh, models, options, repeats);
        List<Outcome> outcomes = new ArrayList<>();
        for (int i = 0; i < models.size(); i++) {
            outcomes.add(train(mesh, models.get(i), options, steps, paces.get(i)));
        }
        RankResults.onFirstRank(group, () -> {
            report(outcomes, options, steps, json, chart);
            return null;
        });
        return null;
    }

    private static void report(List<Outcome> outcomes, TrainingOptions options, int steps, Path json, Path chart)
            throws IOException {
        System.out.println("data: " + options.corpus().layout().describe());
        System.out.println(table(outcomes, options.model, steps));
        try {
            if (chart != null) {
                OutputFile.write(chart, partial -> CompareChart.write(partial, outcomes));
                System.out.println("chart: " + chart);
            }
        } catch (LinkageError e) {
            // a runtime without fonts: the figures are printed all the same
            System.err.println("phantom: the chart is not drawn, since this machine's Java cannot draw text: " + e);
        }
        if (json != null) {
            Report.write(json, results(outcomes, options, steps));
        }
        for (Outcome outcome : outcomes) {
            if (!outcome.agrees()) {
                throw new IllegalStateException(
                        outcome.model() + ": what was counted differs from the formula: " + outcome);
            }
        }
    }

    /**
     * What a step takes.
     *
     * @param ms the median
     * @param joules null if not measured
     */
    private record Pace(double ms, Double joules) {}

    /** What a step of each model takes, the models in turn on the same ranks. */
    private static List<Pace> paces(Mesh mesh, List<ModelOptions> models, TrainingOptions options, int repeats) {
        List<RankTraining> trainings = new ArrayList<>();
        try {
            for (ModelOptions model : models) {
                trainings.add(newTraining(mesh, model, options));
            }
            double[][] ms = new double[models.size()][repeats];
            for (int repeat = -1; repeat < repeats; repeat++) {
                for (int i = 0; i < models.size(); i++) {
                    double each = time(mesh.all(), trainings.get(i), repeat < 0 ? WARM_UP : TIMED_STEPS);
                    if (repeat >= 0) {
                        ms[i][repeat] = each;
                    }
                }
            }
            List<Pace> paces = new ArrayList<>();
            for (int i = 0; i < models.size(); i++) {
                double median = RankTraining.median(ms[i]);
                paces.add(new Pace(median, joules(mesh.all(), trainings.get(i), options, median)));
            }
            return paces;
        } finally {
            trainings.forEach(RankTraining::close);
        }
    }

    /** Joules a step of all ranks, over some seconds; null if one of them cannot measure. */
    private static Double joules(Communicator group, RankTraining training, TrainingOptions options, double ms) {
        // all ranks make as many steps
        double steps = RankResults.max(group, Math.ceil(ENERGY_MS / ms));
        int count = (int) Math.min(MOST_STEPS, steps);
        try (RankEnergy energy = RankEnergy.start(group, options.device)) {
            if (!energy.isMeasured()) {
                return null;
            }
            double unused = time(group, training, count);
            OptionalDouble joules = energy.joules();
            return joules.isPresent() ? joules.getAsDouble() / count : null;
        }
    }

    private static double time(Communicator group, RankTraining training, int steps) {
        group.barrier();
        long began = System.nanoTime();
        double unused = training.steps(steps, StepListener.NONE);
        group.barrier();
        return (System.nanoTime() - began) / 1e6 / steps;
    }

    private static RankTraining newTraining(Mesh mesh, ModelOptions model, TrainingOptions options) {
        Corpus corpus = options.corpus();
        return new RankTraining(mesh, model.configuration(corpus), corpus, options);
    }

    /** Trains one model alone, so that its GPU memory can be told from the other's. */
    private static Outcome train(Mesh mesh, ModelOptions model, TrainingOptions options, int steps, Pace pace) {
        Communicator group = mesh.all();
        Corpus corpus = options.corpus();
        try (RankTraining training = newTraining(mesh, model, options)) {
            double unused = training.step();
            long multiplyAdds = RankResults.sum(group, training.lastMultiplyAdds());
            long bytes = RankResults.sum(group, training.lastBytes());
            double loss = training.steps(steps - 1, StepListener.NONE);
            RankTraining.Score test = training.score(corpus.test(), corpus.classes());
            RankTraining.GpuUse gpu = training.release();
            return new Outcome(
                    Arguments.lower(model.model()),
                    TrainCommand.cost(model, model.configuration(corpus)),
                    RankResults.sum(group, training.network().numParams()) - replicated(model, corpus),
                    multiplyAdds,
                    bytes,
                    pace.ms(),
                    pace.joules(),
                    gpu == null ? null : RankResults.sum(group, gpu.measured().peakBytes()),
                    loss,
                    test.loss(),
                    test.accuracy());
        }
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
        if (phantom.deviceBytes() != null) {
            row(rows, "GPU memory (bytes)", phantom.deviceBytes(), tensor.deviceBytes());
        }
        decimal(rows, "loss after " + steps + " steps", phantom.loss(), tensor.loss());
        decimal(rows, "test loss", phantom.testLoss(), tensor.testLoss());
        if (phantom.testAccuracy() != null) {
            decimal(rows, "test accuracy", phantom.testAccuracy(), tensor.testAccuracy());
        }
        energy(rows, "energy a step (J)", phantom, tensor, 1);
        energy(rows, "energy a sample (J)", phantom, tensor, options.batch());
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

    private static void energy(List<Object[]> rows, String name, Outcome phantom, Outcome tensor, int samples) {
        boolean known = phantom.joulesPerStep() != null && tensor.joulesPerStep() != null;
        rows.add(new Object[] {
            name,
            joules(phantom, samples),
            joules(tensor, samples),
            known ? String.format("%.2f", phantom.joulesPerStep() / tensor.joulesPerStep()) : ""
        });
    }

    private static String joules(Outcome outcome, int samples) {
        return outcome.joulesPerStep() == null
                ? "not measured"
                : String.format("%.4g", outcome.joulesPerStep() / samples);
    }

    private static void decimal(List<Object[]> rows, String name, double phantom, double tensor) {
        rows.add(new Object[] {name, String.format("%.5g", phantom), String.format("%.5g", tensor), ""});
    }

    private static Map<String, Object> results(List<Outcome> outcomes, TrainingOptions training, int steps) {
        ModelOptions options = training.model;
        Map<String, Object> results = new LinkedHashMap<>();
        results.put("width", options.width());
        results.put("layers", options.layers());
        results.put("shards", options.shards());
        results.put("phantomWidth", options.phantomWidth());
        results.put("ranks", options.ranks());
        results.put("comm", training.comm.name());
        results.put("precision", Arguments.lower(options.precision()));
        results.put("batch", options.batch());
        results.put("device", training.device.cuda() ? "cuda" : "cpu");
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
            values.put("finalLoss", outcome.loss());
            values.put("testLoss", outcome.testLoss());
            values.put("testAccuracy", outcome.testAccuracy());
            values.put("deviceBytes", outcome.deviceBytes());
            values.put("joulesPerStep", outcome.joulesPerStep());
            values.put(
                    "joulesPerSample",
                    outcome.joulesPerStep() == null ? null : outcome.joulesPerStep() / options.batch());
            results.put(outcome.model(), values);
        }
        return results;
    }
}
