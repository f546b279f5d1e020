package org.phantom4j.cli.train;

import java.io.BufferedWriter;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.HdrHistogram.Histogram;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.Options;
import org.deeplearning4j.nn.conf.layers.BaseOutputLayer;
import org.deeplearning4j.nn.conf.layers.FeedForwardLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.util.ModelSerializer;
import org.nd4j.linalg.activations.impl.ActivationSoftmax;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.preprocessor.NormalizerStandardize;
import org.phantom4j.cli.frame.Arguments;
import org.phantom4j.cli.frame.AtomicFile;
import org.phantom4j.cli.frame.Command;
import org.phantom4j.cli.frame.Once;
import org.phantom4j.cli.frame.UsageException;
import org.phantom4j.cli.gpus.DeviceOptions;
import org.phantom4j.cli.gpus.Precision;
import org.phantom4j.cli.launch.CommOptions;
import org.phantom4j.cli.launch.HandedFile;
import org.phantom4j.cli.launch.RankResults;
import org.phantom4j.comm.RankContext;
import org.phantom4j.data.DataSource;
import org.phantom4j.data.Samples;
import org.phantom4j.layers.ShardedLayer;
import org.phantom4j.layers.gpu.GpuPredictor;
import org.phantom4j.layers.train.RankNetwork;

/** {@code phantom predict}: inference with a saved model. */
public final class PredictCommand implements Command {

    private static final long HIGHEST_US = 3_600_000_000L;
    private static final int DIGITS = 3;

    /** A model as {@code train --save} wrote it. */
    private record Model(MultiLayerNetwork network, NormalizerStandardize normalizer) {

        int inputs() {
            return (int) ((FeedForwardLayer) layer(0)).getNIn();
        }

        int outputs() {
            return (int) ((FeedForwardLayer) layer(network.getnLayers() - 1)).getNOut();
        }

        boolean classifies() {
            return layer(network.getnLayers() - 1) instanceof BaseOutputLayer output
                    && output.getActivationFn() instanceof ActivationSoftmax;
        }

        /** What it was trained in, as the model tells. */
        Precision precision() {
            return network.getLayerWiseConfigurations().getDataType() == DataType.DOUBLE
                    ? Precision.FP64
                    : Precision.FP32;
        }

        /** The shards of the model; 1 for one without sharded layers. */
        int shards() {
            int shards = 1;
            for (int i = 0; i < network.getnLayers(); i++) {
                shards = layer(i) instanceof ShardedLayer sharded ? sharded.getShards() : shards;
            }
            return shards;
        }

        private Layer layer(int index) {
            return network.getLayerWiseConfigurations().getConf(index).getLayer();
        }
    }

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
        Arguments.option(options, "ranks", "R", "ranks to run on (default 1)");
        Arguments.option(options, "batch", "B", "samples a batch (default 128)");
        Arguments.option(options, "seed", "SEED", "of synthetic data (default 1)");
        Arguments.option(options, "output", "FILE", "write outputs and classes as CSV (default: standard output)");
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
        CommOptions comm = CommOptions.parse(arguments, device.defaultComm(arguments.positive("ranks", 1)));
        int ranks = comm.ranks(arguments, 1);
        Optional<Precision> precision = Optional.ofNullable(arguments.choice("precision", Precision.class, null));
        if (precision.isPresent() && !device.cuda()) {
            throw new UsageException("--precision is for --device cuda: on the CPU a model computes in its own");
        }
        int batch = arguments.positive("batch", 128);
        arguments.required("data");
        DataSource source = arguments.data(null);
        Path file = Path.of(arguments.required("model"));
        device.check(comm.name(), ranks, 1, precision.orElse(Precision.FP32));
        if (comm.launches()) {
            requireFile(file);
            return launch(comm, arguments, ranks);
        }
        Once<Model> model = new Once<>(() -> RankContext.runAlone(() -> load(file)));
        Once<Samples> samples = new Once<>(() -> samples(arguments, source, model.get()));
        String geometry = name() + " --model " + file + " --data " + arguments.text("data", "") + " --batch " + batch
                + " --seed " + arguments.number("seed", 1)
                + precision.map(p -> " --precision " + Arguments.lower(p)).orElse("");
        comm.run(ranks, geometry, group -> {
            Path output = group.rank() == 0 ? output(arguments) : null;
            ModelOptions.requireDivides(ranks, model.get().shards());
            Histogram latencyUs = new Histogram(HIGHEST_US, DIGITS);
            List<INDArray> outputs = outputs(
                    model.get(),
                    samples.get(),
                    batch,
                    latencyUs,
                    network -> device.predictor(
                            network,
                            group,
                            precision.orElseGet(() -> model.get().precision()),
                            comm.timeout(),
                            batch));
            RankResults.onFirstRank(group, () -> {
                write(output, outputs, model.get().classifies());
                summarise(model.get(), samples.get(), outputs, latencyUs);
                return null;
            });
            return null;
        });
        return Command.OK;
    }

    private static Path output(Arguments arguments) {
        return AtomicFile.writable("output", arguments.text("output", null));
    }

    /** Starts the ranks. What goes to standard output takes the way over a file, so that it is nothing but the outputs. */
    private int launch(CommOptions comm, Arguments arguments, int ranks) throws Exception {
        if (output(arguments) != null) {
            return comm.launch(this, arguments, ranks, Map.of());
        }
        try (HandedFile outputs = HandedFile.named("outputs.csv")) {
            int status = comm.launch(
                    this, arguments, ranks, Map.of("output", outputs.path().toString()));
            if (status == Command.OK) {
                Files.copy(outputs.path(), System.out);
            }
            return status;
        }
    }

    private static Samples samples(Arguments arguments, DataSource source, Model model) {
        Samples samples = source.samples(
                model.inputs(),
                model.outputs(),
                model.network().getLayerWiseConfigurations().getDataType(),
                arguments.number("seed", 1),
                model.normalizer());
        if (samples.features().size(1) != model.inputs()) {
            throw new UsageException("--data " + arguments.text("data", "") + " has "
                    + samples.features().size(1) + " features, but the model takes " + model.inputs());
        }
        return samples;
    }

    private static void requireFile(Path file) {
        if (!Files.isRegularFile(file)) {
            throw new UsageException("--model " + file + ": no such file; train --save writes one");
        }
    }

    private static Model load(Path file) {
        requireFile(file);
        File source = file.toFile();
        try {
            MultiLayerNetwork network = ModelSerializer.restoreMultiLayerNetwork(source, false);
            NormalizerStandardize normalizer = ModelSerializer.restoreNormalizerFromFile(source);
            return new Model(network, normalizer);
        } catch (IOException | RuntimeException e) {
            throw new UsageException(
                    "--model " + file + " is no model, or is truncated: " + e.getMessage()
                            + "; train --save writes one",
                    e);
        }
    }

    /** Outputs of all samples, by a GPU if there is one for this rank's network, else by Deeplearning4j's layers. */
    private static List<INDArray> outputs(
            Model model,
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

    private static void write(Path file, List<INDArray> outputs, boolean classes) throws IOException {
        if (file != null) {
            AtomicFile.write(file, partial -> {
                try (BufferedWriter writer = Files.newBufferedWriter(partial)) {
                    write(writer, outputs, classes);
                }
            });
        } else {
            StringBuilder text = new StringBuilder();
            write(text, outputs, classes);
            System.out.print(text);
        }
    }

    private static void write(Appendable target, List<INDArray> outputs, boolean classes) throws IOException {
        long width = outputs.get(0).size(1);
        for (long column = 0; column < width; column++) {
            target.append(column == 0 ? "" : ",").append("output").append(String.valueOf(column));
        }
        target.append(classes ? ",class\n" : "\n");
        for (INDArray output : outputs) {
            int[] predicted = output.argMax(1).toIntVector();
            double[][] rows = output.toDoubleMatrix();
            for (int row = 0; row < rows.length; row++) {
                for (int column = 0; column < width; column++) {
                    target.append(column == 0 ? "" : ",").append(Float.toString((float) rows[row][column]));
                }
                target.append(classes ? "," + predicted[row] + "\n" : "\n");
            }
        }
    }

    private static void summarise(Model model, Samples samples, List<INDArray> outputs, Histogram latencyUs) {
        if (samples.labels() != null && model.classifies()) {
            long right = 0;
            int from = 0;
            for (INDArray output : outputs) {
                int rows = (int) output.size(0);
                right += RankTraining.countRight(
                        output, samples.range(from, from + rows).labels());
                from += rows;
            }
            System.err.printf("accuracy   %.2f %% of %d samples%n", 100.0 * right / samples.size(), samples.size());
        }
        double seconds = latencyUs.getMean() * latencyUs.getTotalCount() / 1e6;
        System.err.printf("samples/s  %.0f%n", samples.size() / seconds);
        System.err.printf(
                "latency    p50 %.2f ms, p99 %.2f ms a batch%n",
                latencyUs.getValueAtPercentile(50) / 1e3, latencyUs.getValueAtPercentile(99) / 1e3);
    }
}
