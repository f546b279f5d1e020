package org.phantom4j.cli.train;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.HdrHistogram.Histogram;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.Options;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.phantom4j.cli.frame.Arguments;
import org.phantom4j.cli.frame.Command;
import org.phantom4j.cli.frame.Once;
import org.phantom4j.cli.frame.OutputFile;
import org.phantom4j.cli.frame.UsageException;
import org.phantom4j.cli.gpus.DeviceOptions;
import org.phantom4j.cli.gpus.Precision;
import org.phantom4j.cli.launch.CommOptions;
import org.phantom4j.cli.launch.HandedFile;
import org.phantom4j.cli.launch.RankResults;
import org.phantom4j.comm.RankContext;
import org.phantom4j.data.Layout;
import org.phantom4j.data.Questions;
import org.phantom4j.data.Samples;
import org.phantom4j.data.SyntheticLayout;
import org.phantom4j.data.TableLayout;
import org.phantom4j.data.TableOptions;
import org.phantom4j.layers.gpu.GpuPredictor;
import org.phantom4j.layers.train.RankNetwork;

/** {@code phantom predict}: inference with a saved model. */
public final class PredictCommand implements Command {

    private static final long HIGHEST_US = 3_600_000_000L;
    private static final int DIGITS = 3;

    @Override
    public String name() {
        return "predict";
    }

    @Override
    public String summary() {
        return "Predicts with a saved model, on any number of ranks that divides its shards.";
    }

    @Override
    public Options options() {
        Options options = new Options();
        Arguments.option(options, "model", "FILE", "a model that train --save wrote");
        Arguments.option(
                options,
                "data",
                "SOURCE",
                "synthetic or idx:DIR (their test part), or csv:FILE (all of it; the label column may be missing)");
        DataOptions.addReadingTo(options);
        Arguments.option(options, "ranks", "R", "ranks to run on (default 1)");
        Arguments.option(options, "batch", "B", "samples a batch (default 128)");
        Arguments.option(options, "seed", "SEED", "of synthetic data (default: that of the training)");
        Arguments.option(
                options,
                "output",
                "FILE",
                "write the outputs, by class, and the class as CSV (default: standard output)");
        DeviceOptions.addTo(options);
        Arguments.option(
                options,
                "precision",
                "NAME",
                "what a GPU computes in: the model's fp32 or fp64 (default), tf32 or bf16");
        CommOptions.addTo(options);
        return options;
    }

    @Override
    public int run(CommandLine line) throws Exception {
        Arguments arguments = new Arguments(line);
        DeviceOptions device = DeviceOptions.parse(arguments);
        CommOptions comm =
                CommOptions.parse(arguments, device.defaultComm(arguments.positive("ranks", CommOptions.launched(1))));
        int ranks = comm.ranks(arguments, 1);
        Optional<Precision> precision = Optional.ofNullable(arguments.choice("precision", Precision.class, null));
        if (precision.isPresent() && !device.cuda()) {
            throw new UsageException("--precision is for --device cuda: on the CPU a model computes in its own");
        }
        int batch = arguments.positive("batch", 128);
        DataOptions data = DataOptions.parse(arguments, null);
        Path file = arguments.requiredPath("model");
        device.check(comm.name(), ranks, 1, precision.orElse(Precision.FP32));
        if (comm.launches()) {
            ModelFile.requireFile(file);
            return launch(comm, arguments, ranks);
        }
        Once<ModelFile> model = new Once<>(() -> RankContext.runAlone(() -> ModelFile.load(file)));
        Once<Questions> questions = new Once<>(() -> questions(arguments, data, model.get()));
        String geometry = name() + " --model " + file + " " + data.words(arguments) + " --batch " + batch + " --seed "
                + arguments.text("seed", "")
                + precision.map(p -> " --precision " + Arguments.lower(p)).orElse("");
        comm.run(ranks, geometry, group -> {
            Path output = group.rank() == 0 ? output(arguments) : null;
            ModelOptions.requireDivides(ranks, model.get().shards());
            data.requireSame(group, questions.get().checksum());
            Samples samples = questions.get().samples();
            Histogram latencyUs = new Histogram(HIGHEST_US, DIGITS);
            List<INDArray> outputs = outputs(
                    model.get(),
                    samples,
                    batch,
                    latencyUs,
                    network -> device.predictor(
                            network,
                            group,
                            precision.orElseGet(() -> model.get().precision()),
                            comm.timeout(),
                            batch));
            RankResults.onFirstRank(group, () -> {
                tell(model.get(), questions.get());
                new Predictions(outputs, model.get().layoutFor(data.source().kind())).write(output);
                summarise(samples, outputs, latencyUs);
                return null;
            });
            return null;
        });
        return OK;
    }

    /** Says what is to be known about the data, beside the predictions. */
    private static void tell(ModelFile model, Questions questions) {
        if (model.warning() != null) {
            System.err.println("note       " + model.warning());
        }
        questions.notes().forEach(note -> System.err.println("note       " + note));
    }

    private static Path output(Arguments arguments) {
        return OutputFile.writable("output", arguments.text("output", null));
    }

    /** Starts the ranks. What goes to a stream of this process takes the way over a file, so that it is nothing but the outputs. */
    private int launch(CommOptions comm, Arguments arguments, int ranks) throws Exception {
        Path output = output(arguments);
        if (output != null && !OutputFile.isOwnStream(output)) {
            return comm.launch(this, arguments, ranks, Map.of());
        }
        try (HandedFile outputs = HandedFile.named("outputs.csv")) {
            int status = comm.launch(
                    this, arguments, ranks, Map.of("output", outputs.path().toString()));
            if (status == Command.OK) {
                if (output == null) {
                    Files.copy(outputs.path(), System.out);
                } else {
                    OutputFile.write(
                            output,
                            partial -> Files.copy(outputs.path(), partial, StandardCopyOption.REPLACE_EXISTING));
                }
            }
            return status;
        }
    }

    private static Questions questions(Arguments arguments, DataOptions data, ModelFile model) {
        Layout layout = model.layoutFor(data.source().kind());
        long seed = layout instanceof SyntheticLayout synthetic ? synthetic.seed() : 1;
        TableOptions table = data.table();
        if (layout instanceof TableLayout trained && !arguments.has("missing-values")) {
            table = table.withMissingValues(trained.missingValues());
        }
        Questions questions = data.source()
                .questions(
                        layout,
                        table,
                        model.network().getLayerWiseConfigurations().getDataType(),
                        arguments.number("seed", seed));
        long features = questions.samples().features().size(1);
        if (features != model.inputs()) {
            throw new UsageException("--data " + arguments.text("data", "") + " has " + features
                    + " features, but the model takes " + model.inputs());
        }
        return questions;
    }

    /** Outputs of all samples, by a GPU if there is one for this rank's network, else by Deeplearning4j's layers. */
    private static List<INDArray> outputs(
            ModelFile model,
            Samples samples,
            int batch,
            Histogram latencyUs,
            Function<MultiLayerNetwork, Optional<GpuPredictor>> gpus) {
        MultiLayerNetwork network = RankNetwork.of(model.network());
        Optional<GpuPredictor> gpu = gpus.apply(network);
        try {
            return predict(
                    features -> gpu.isPresent() ? gpu.get().output(features) : network.output(features),
                    samples,
                    batch,
                    latencyUs);
        } finally {
            gpu.ifPresent(GpuPredictor::close);
        }
    }

    private static List<INDArray> predict(
            UnaryOperator<INDArray> network, Samples samples, int batch, Histogram latencyUs) {
        boolean isFirst = RankContext.current().rank() == 0;
        List<INDArray> outputs = new ArrayList<>();
        // the first batch twice: compilation and first allocations are not latency
        INDArray unused = network.apply(
                samples.range(0, (int) Math.min(batch, samples.size())).features());
        for (int from = 0; from < samples.size(); from += batch) {
            INDArray features = samples.range(from, (int) Math.min(from + batch, samples.size()))
                    .features();
            long began = System.nanoTime();
            INDArray output = network.apply(features);
            if (isFirst) {
                latencyUs.recordValue((System.nanoTime() - began) / 1000);
                outputs.add(output);
            }
        }
        return outputs;
    }

    private static void summarise(Samples samples, List<INDArray> outputs, Histogram latencyUs) {
        if (samples.labels() != null) {
            long right = 0;
            long known = 0;
            int from = 0;
            for (INDArray output : outputs) {
                int rows = (int) output.size(0);
                INDArray labels = samples.range(from, from + rows).labels();
                // a row of zeros is a label that the model does not know
                int[] isKnown = labels.sum(1).toIntVector();
                int[] predicted = output.argMax(1).toIntVector();
                int[] expected = labels.argMax(1).toIntVector();
                for (int row = 0; row < rows; row++) {
                    known += isKnown[row];
                    right += isKnown[row] == 1 && predicted[row] == expected[row] ? 1 : 0;
                }
                from += rows;
            }
            System.err.printf("accuracy   %.2f %% of %d samples%n", 100.0 * right / known, known);
        }
        double seconds = latencyUs.getMean() * latencyUs.getTotalCount() / 1e6;
        System.err.printf("samples/s  %.0f%n", samples.size() / seconds);
        System.err.printf(
                "latency    p50 %.2f ms, p99 %.2f ms a batch%n",
                latencyUs.getValueAtPercentile(50) / 1e3, latencyUs.getValueAtPercentile(99) / 1e3);
    }
}
