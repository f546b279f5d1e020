package org.phantom4j.data;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.datavec.api.records.reader.impl.csv.CSVRecordReader;
import org.datavec.api.split.FileSplit;
import org.datavec.api.writable.Writable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.preprocessor.NormalizerStandardize;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.ops.Products;

/**
 * Numbers from a CSV file, read by DataVec. The last column is the label: a class if all labels are whole numbers from 0 to
 * 999, else the target of a regression. A first line that is no numbers is taken as the header.
 */
public final class CsvData {

    private static final int MAX_CLASSES = 1000;
    private static final double TRAIN_SHARE = 0.8;

    private CsvData() {}

    /**
     * Reads a file for training: shuffled by the seed, 80 % for training, features standardised by the training part.
     *
     * @throws DataException if the file cannot be read or is no table of numbers
     */
    public static Corpus read(Path file, DataType type, long seed) {
        double[][] rows = rows(file);
        int columns = rows[0].length;
        if (columns < 2 || rows.length < 5) {
            throw new DataException(file + " has " + rows.length + " rows of " + columns
                    + " columns: at least 5 rows of features and a label are needed");
        }
        INDArray table = Nd4j.createFromArray(rows);
        INDArray features = Nd4j.create(type, rows.length, columns - 1);
        features.assign(Products.columns(table, 0, columns - 1));
        Samples all = new Samples(features, labels(rows, type));
        int cut = (int) (rows.length * TRAIN_SHARE);
        int[] order = Batches.shuffled(rows.length, seed);
        Samples train = all.rows(Arrays.copyOfRange(order, 0, cut));
        Samples test = all.rows(Arrays.copyOfRange(order, cut, rows.length));
        NormalizerStandardize normalizer = new NormalizerStandardize();
        normalizer.fit(new DataSet(train.features(), train.labels()));
        normalizer.transform(train.features());
        normalizer.transform(test.features());
        return new Corpus(train, test, classes(rows) > 0, normalizer);
    }

    /**
     * Reads a file for prediction.
     *
     * @param inputs the model's inputs: a file of as many columns has no labels
     * @param outputs the model's outputs
     * @throws DataException if the file cannot be read or does not fit the model
     */
    public static Samples read(Path file, DataType type, int inputs, int outputs) {
        double[][] rows = rows(file);
        int columns = rows[0].length;
        if (columns != inputs && columns != inputs + 1) {
            throw new DataException(file + " has " + columns + " columns, but the model takes " + inputs
                    + " features: expected " + inputs + " columns, or " + (inputs + 1) + " with a label last");
        }
        INDArray features = Nd4j.create(type, rows.length, inputs);
        features.assign(Products.columns(Nd4j.createFromArray(rows), 0, inputs));
        if (columns == inputs) {
            return new Samples(features, null);
        }
        INDArray labels = labels(rows, type);
        if (labels.size(1) < outputs) {
            INDArray wider = Nd4j.zeros(type, rows.length, outputs);
            Products.columns(wider, 0, labels.size(1)).assign(labels);
            labels = wider;
        }
        return new Samples(features, labels);
    }

    private static INDArray labels(double[][] rows, DataType type) {
        int classes = classes(rows);
        INDArray labels = Nd4j.zeros(type, rows.length, Math.max(1, classes));
        for (int i = 0; i < rows.length; i++) {
            double label = rows[i][rows[i].length - 1];
            labels.putScalar(i, classes > 0 ? (int) label : 0, classes > 0 ? 1 : label);
        }
        return labels;
    }

    /** The number of classes; 0 if the labels are no classes. */
    private static int classes(double[][] rows) {
        int classes = 2;
        for (double[] row : rows) {
            double label = row[row.length - 1];
            if (label != Math.rint(label) || label < 0 || label >= MAX_CLASSES) {
                return 0;
            }
            classes = Math.max(classes, (int) label + 1);
        }
        return classes;
    }

    private static double[][] rows(Path file) {
        if (!Files.isReadable(file) || Files.isDirectory(file)) {
            throw new DataException("cannot read the CSV file " + file);
        }
        List<double[]> rows = new ArrayList<>();
        int line = 0;
        try (CSVRecordReader reader = new CSVRecordReader()) {
            reader.initialize(new FileSplit(file.toFile()));
            while (reader.hasNext()) {
                List<Writable> record = reader.next();
                line++;
                double[] row = parse(file, record, line);
                if (row != null) {
                    if (!rows.isEmpty() && rows.get(0).length != row.length) {
                        throw new DataException(file + ", record " + line + ": " + row.length + " columns, but "
                                + rows.get(0).length + " before");
                    }
                    rows.add(row);
                }
            }
        } catch (IOException e) {
            throw new DataException("cannot read " + file + ": " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new DataException("interrupted while reading " + file, e);
        }
        if (rows.isEmpty()) {
            throw new DataException(file + " has no rows of numbers");
        }
        return rows.toArray(new double[0][]);
    }

    /** A record's numbers; null for a header. */
    private static double[] parse(Path file, List<Writable> record, int line) {
        double[] row = new double[record.size()];
        for (int i = 0; i < row.length; i++) {
            try {
                row[i] = Double.parseDouble(record.get(i).toString().trim());
            } catch (NumberFormatException e) {
                if (line == 1) {
                    return null;
                }
                throw new DataException(
                        file + ", record " + line + ", column " + (i + 1) + ": '" + record.get(i) + "' is no number",
                        e);
            }
        }
        return row;
    }
}
