package org.phantom4j.data;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.phantom4j.data.TableLayout.Feature;
import org.phantom4j.data.TableLayout.Target;
import org.phantom4j.data.TableOptions.Missing;
import org.phantom4j.layers.train.ShuffledRows;

/**
 * Samples in the rows of a text table: CSV and its kin, gzipped or not. What the options leave open is inferred from the
 * file alone, so that whoever reads it gets the same. docs/data.md says what is understood.
 */
public final class TableData {

    private static final double TRAIN_SHARE = 0.8;
    private static final int FEWEST_ROWS = 5;

    private TableData() {}

    /**
     * Reads a file for training: shuffled by the seed, 80 % for training, features standardised by the training part.
     *
     * @throws DataException if the file cannot be read or is no table that can be trained on
     */
    public static Corpus read(Path file, TableOptions options, DataType type, long seed) {
        RawTable table = TableReader.read(file, options, List.of());
        TableInference inference = new TableInference(table, options);
        List<Feature> features = inference.features();
        Missing missing = options.missing() == null ? Missing.REFUSE : options.missing();
        List<String> notes = new ArrayList<>(List.of(table.describe()));
        notes.addAll(inference.notes());
        int[] rows = table.allRows();
        if (missing == Missing.DROP) {
            rows = withValues(table, features, inference.labelColumn());
            if (rows.length < table.rows()) {
                notes.add((table.rows() - rows.length) + " rows without a value somewhere are left out");
            }
        }
        if (rows.length < FEWEST_ROWS) {
            throw new DataException(file + " has " + rows.length + " rows: at least " + FEWEST_ROWS
                    + " are needed, 80 % of them to train and the rest to test with");
        }
        Target target = inference.target(rows);
        List<FeatureColumn> columns = new ArrayList<>();
        for (Feature feature : features) {
            columns.add(new FeatureColumn(table, feature.position() - 1, feature, missing != Missing.REFUSE));
        }
        TableEncoder encoder = new TableEncoder(columns);
        int[] shuffled = pick(rows, ShuffledRows.order(rows.length, seed));
        int cut = (int) (rows.length * TRAIN_SHARE);
        int[] train = Arrays.copyOfRange(shuffled, 0, cut);
        int[] test = Arrays.copyOfRange(shuffled, cut, rows.length);
        List<Double> means = encoder.means(train);
        List<Double> deviations = encoder.deviations(means, train);
        notes.addAll(constants(features, columns, rows));
        TableLayout layout = new TableLayout(
                table.columns().size(),
                table.names() != null,
                features,
                target,
                missing,
                options.missingValues(),
                means,
                deviations);
        TableLabels labels = new TableLabels(table, inference.labelColumn(), target);
        return new Corpus(
                new Samples(encoder.encode(means, deviations, type, train), labels.encode(type, train)),
                new Samples(encoder.encode(means, deviations, type, test), labels.encode(type, test)),
                layout,
                notes,
                table.checksum());
    }

    private static int[] pick(int[] rows, int[] order) {
        return Arrays.stream(order).map(i -> rows[i]).toArray();
    }

    /** The rows in which every used column has a value. */
    private static int[] withValues(RawTable table, List<Feature> features, int label) {
        return Arrays.stream(table.allRows())
                .filter(row -> !table.columns().get(label).isMissing(row)
                        && features.stream().noneMatch(feature -> table.columns()
                                .get(feature.position() - 1)
                                .isMissing(row)))
                .toArray();
    }

    private static List<String> constants(List<Feature> features, List<FeatureColumn> columns, int... rows) {
        List<String> names = new ArrayList<>();
        for (int i = 0; i < columns.size(); i++) {
            FeatureColumn column = columns.get(i);
            double first = column.value(rows[0], 0);
            if (column.width() == 1 && Arrays.stream(rows).allMatch(row -> column.value(row, 0) == first)) {
                names.add(features.get(i).title());
            }
        }
        return names.isEmpty() ? List.of() : List.of("the same in every row, and so no help: " + Listed.of(names));
    }

    /**
     * Reads a file for prediction: all its rows, in their order.
     *
     * @param layout of the model: a file with a header is matched by names, in any order; one without by the number of its
     *     columns, with or without the label
     * @param options of this file; what is null is as in training
     * @throws DataException if the file cannot be read or does not fit the model
     */
    public static Questions read(Path file, TableLayout layout, TableOptions options, DataType type) {
        Missing missing = options.missing() == null ? layout.missing() : options.missing();
        if (options.missing() == Missing.DROP) {
            throw new DataException(
                    "--missing drop is for training: predictions of the other rows would not stand in the" + " rows of "
                            + file + "; use --missing mean");
        }
        RawTable table = TableReader.read(file, options, layout.names());
        int[] columns = new TableMatch(table, layout, options).columns();
        List<FeatureColumn> features = new ArrayList<>();
        for (int i = 0; i < layout.features().size(); i++) {
            features.add(new FeatureColumn(table, columns[i], layout.features().get(i), missing == Missing.MEAN));
        }
        List<String> notes = new ArrayList<>(List.of(table.describe()));
        int label = columns[columns.length - 1];
        int[] rows = table.allRows();
        INDArray inputs = new TableEncoder(features).encode(layout.means(), layout.deviations(), type, rows);
        INDArray labels = null;
        if (label >= 0 && layout.classifies()) {
            labels = new TableLabels(table, label, layout.target()).encodeKnown(type, notes, rows);
        }
        return new Questions(new Samples(inputs, labels), notes, table.checksum());
    }
}
