package org.phantom4j.cli.train;

import de.siegmar.fastcsv.writer.CsvWriter;
import de.siegmar.fastcsv.writer.LineDelimiter;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.phantom4j.cli.frame.OutputFile;
import org.phantom4j.data.Layout;

/** Outputs of a model as CSV: a column for each, named as the model's data names it, and the class where there are classes. */
final class Predictions {

    private final List<INDArray> outputs;
    private final Layout layout;

    /**
     * Outputs in the order of the samples.
     *
     * @param outputs batches of [samples, outputs]
     */
    Predictions(List<INDArray> outputs, Layout layout) {
        this.outputs = outputs;
        this.layout = layout;
    }

    /**
     * Writes them.
     *
     * @param file null for standard output
     */
    void write(Path file) throws IOException {
        if (file != null) {
            OutputFile.write(file, partial -> {
                try (Writer writer = Files.newBufferedWriter(partial)) {
                    write(writer);
                }
            });
        } else {
            PrintWriter writer = new PrintWriter(System.out, false, StandardCharsets.UTF_8);
            write(writer);
            writer.flush();
        }
    }

    private void write(Writer target) throws IOException {
        // not closed: the target is the caller's
        CsvWriter csv = CsvWriter.builder().lineDelimiter(LineDelimiter.LF).build(target);
        List<String> cells = new ArrayList<>(layout.outputNames());
        if (layout.classifies()) {
            cells.add("class");
        }
        csv.writeRecord(cells);
        long sample = 0;
        for (INDArray output : outputs) {
            int[] predicted = output.argMax(1).toIntVector();
            boolean doubles = output.dataType() == DataType.DOUBLE;
            double[][] rows = output.toDoubleMatrix();
            for (int row = 0; row < rows.length; row++) {
                cells.clear();
                sample++;
                for (double value : rows[row]) {
                    if (!Double.isFinite(value)) {
                        throw new IOException("the model's output for sample " + sample + " is " + value
                                + ": the model is damaged, or the sample is far from all that it was trained on");
                    }
                    cells.add(doubles ? Double.toString(value) : Float.toString((float) value));
                }
                if (layout.classifies()) {
                    cells.add(layout.classes().get(predicted[row]));
                }
                csv.writeRecord(cells);
            }
        }
        csv.flush();
    }
}
