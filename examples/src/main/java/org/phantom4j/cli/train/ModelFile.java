package org.phantom4j.cli.train;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.conf.layers.BaseOutputLayer;
import org.deeplearning4j.nn.conf.layers.FeedForwardLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.util.ModelSerializer;
import org.nd4j.linalg.activations.impl.ActivationSoftmax;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.api.preprocessor.Normalizer;
import org.nd4j.linalg.dataset.api.preprocessor.NormalizerStandardize;
import org.phantom4j.cli.frame.OutputFile;
import org.phantom4j.cli.frame.UsageException;
import org.phantom4j.cli.gpus.Precision;
import org.phantom4j.data.DataSource;
import org.phantom4j.data.ImageLayout;
import org.phantom4j.data.Layout;
import org.phantom4j.data.LayoutFile;
import org.phantom4j.data.SyntheticLayout;
import org.phantom4j.data.TableLayout;
import org.phantom4j.layers.ShardedLayer;

/**
 * A model as {@code train --save} writes it: Deeplearning4j's zip, and what data it was trained on.
 *
 * @param layout null in a model that another program has saved
 * @param normalizer of a model without a layout; may be null
 */
record ModelFile(MultiLayerNetwork network, Layout layout, NormalizerStandardize normalizer) {

    /**
     * Writes a model; if it cannot be written where it should be, elsewhere.
     *
     * @throws IOException if it could not be written to {@code target}: the message says where it is instead
     */
    static void save(Path target, MultiLayerNetwork network, Layout layout) throws IOException {
        try {
            write(target, network, layout);
        } catch (IOException e) {
            throw new IOException(e.getMessage() + "; " + elsewhere(network, layout), e);
        }
    }

    private static String elsewhere(MultiLayerNetwork network, Layout layout) {
        List<String> reasons = new ArrayList<>();
        for (Path folder : List.of(Path.of(""), Path.of(System.getProperty("java.io.tmpdir")))) {
            Path place = folder.resolve(
                            "phantom-model-" + ProcessHandle.current().pid() + ".zip")
                    .toAbsolutePath();
            try {
                write(place, network, layout);
                return "the model is in " + place + " instead";
            } catch (IOException e) {
                reasons.add(e.getMessage());
            }
        }
        return "and elsewhere neither: " + String.join(", ", reasons);
    }

    private static void write(Path target, MultiLayerNetwork network, Layout layout) throws IOException {
        OutputFile.write(target, partial -> {
            File zip = partial.toFile();
            ModelSerializer.writeModel(network, zip, false);
            if (layout instanceof TableLayout table && table.normalizer() != null) {
                ModelSerializer.addNormalizerToModel(zip, table.normalizer());
            }
            LayoutFile.write(partial, layout);
        });
    }

    static void requireFile(Path file) {
        if (!Files.isRegularFile(file)) {
            throw new UsageException("--model " + file + ": no such file; train --save writes one");
        }
    }

    static ModelFile load(Path file) {
        requireFile(file);
        File zip = file.toFile();
        try {
            MultiLayerNetwork network = ModelSerializer.restoreMultiLayerNetwork(zip, false);
            Optional<Layout> layout = LayoutFile.read(file);
            Normalizer<?> normalizer = layout.isPresent() ? null : ModelSerializer.restoreNormalizerFromFile(zip);
            return new ModelFile(
                    network,
                    layout.orElse(null),
                    normalizer instanceof NormalizerStandardize standardize ? standardize : null);
        } catch (IOException | RuntimeException e) {
            throw new UsageException(
                    "--model " + file + " is no model, or is truncated: " + e.getMessage()
                            + "; train --save writes one",
                    e);
        }
    }

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
        return network.getLayerWiseConfigurations().getDataType() == DataType.DOUBLE ? Precision.FP64 : Precision.FP32;
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

    /** What data it takes: what it says, or else what fits its inputs and outputs. */
    Layout layoutFor(DataSource.Kind kind) {
        if (layout != null) {
            return layout;
        }
        List<String> classes = classifies()
                ? IntStream.range(0, outputs()).mapToObj(Integer::toString).toList()
                : List.of();
        return switch (kind) {
            case SYNTHETIC -> new SyntheticLayout(inputs(), 1);
            case IDX -> ImageLayout.plain(inputs(), classes);
            case CSV -> TableLayout.plain(inputs(), classes, normalizer);
        };
    }

    /** What is to be said of a model that does not say what it was trained on; null of one that does. */
    String warning() {
        if (layout != null) {
            return null;
        }
        return "the model does not say what data it was trained on: "
                + (normalizer == null ? "features are taken as they are" : "its normalizer is applied to tables")
                + ", classes are numbers";
    }
}
