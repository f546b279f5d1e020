package org.phantom4j.data;

import java.nio.file.Path;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.api.preprocessor.NormalizerStandardize;

/**
 * Where data comes from, as the command line names it: {@code synthetic}, {@code idx:DIR} or {@code csv:FILE}.
 *
 * @param kind which
 * @param path the folder or file; null for synthetic
 */
public record DataSource(Kind kind, Path path) {

    /** The kinds of sources. */
    public enum Kind {
        SYNTHETIC,
        IDX,
        CSV
    }

    /**
     * Reads a source's name.
     *
     * @throws IllegalArgumentException if it is none of them
     */
    public static DataSource parse(String text) {
        if (text.equals("synthetic")) {
            return new DataSource(Kind.SYNTHETIC, null);
        }
        if (text.startsWith("idx:") && text.length() > 4) {
            return new DataSource(Kind.IDX, Path.of(text.substring(4)));
        }
        if (text.startsWith("csv:") && text.length() > 4) {
            return new DataSource(Kind.CSV, Path.of(text.substring(4)));
        }
        throw new IllegalArgumentException("'" + text + "' is no data source: use synthetic, idx:DIR or csv:FILE");
    }

    /** Data to train with; {@code width} is that of synthetic data. */
    public Corpus corpus(int width, DataType type, long seed) {
        return switch (kind) {
            case SYNTHETIC -> SyntheticData.create(width, type, seed);
            case IDX -> IdxData.read(path, type);
            case CSV -> CsvData.read(path, type, seed);
        };
    }

    /**
     * Data to predict with: the test part of synthetic and IDX data, all of a CSV file.
     *
     * @param normalizer that of the model; null if it has none
     */
    public Samples samples(int inputs, int outputs, DataType type, long seed, NormalizerStandardize normalizer) {
        if (kind != Kind.CSV) {
            return corpus(inputs, type, seed).test();
        }
        Samples samples = CsvData.read(path, type, inputs, outputs);
        if (normalizer != null) {
            normalizer.transform(samples.features());
        }
        return samples;
    }
}
