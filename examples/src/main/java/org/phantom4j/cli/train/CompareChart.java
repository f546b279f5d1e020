package org.phantom4j.cli.train;

import java.awt.Color;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.BitmapEncoder.BitmapFormat;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.phantom4j.cli.train.CompareCommand.Outcome;

/** A comparison as a bar chart: each quantity of both models as a share of the tensor-parallel one. */
final class CompareChart {

    private CompareChart() {}

    static void write(Path file, List<Outcome> outcomes) throws IOException {
        Outcome tensor = outcomes.get(1);
        CategoryChart chart = new CategoryChartBuilder()
                .width(900)
                .height(500)
                .title("Phantom beside tensor parallelism")
                .yAxisTitle("share of tensor parallelism")
                .build();
        chart.getStyler().setSeriesColors(new Color[] {new Color(0x1f77b4), new Color(0xb0b0b0)});
        chart.getStyler().setLabelsVisible(true).setLabelsFontColorAutomaticEnabled(false);
        chart.getStyler().setDecimalPattern("0.00");
        chart.getStyler().setYAxisMin(0.0);
        for (Outcome outcome : outcomes) {
            List<String> names = new ArrayList<>();
            List<Double> shares = new ArrayList<>();
            add(
                    names,
                    shares,
                    "parameters",
                    outcome.formula().parameters(),
                    tensor.formula().parameters());
            add(
                    names,
                    shares,
                    "multiply-adds",
                    outcome.formula().multiplyAdds(),
                    tensor.formula().multiplyAdds());
            add(
                    names,
                    shares,
                    "bytes sent",
                    outcome.formula().bytes(),
                    tensor.formula().bytes());
            add(names, shares, "time a step", outcome.msPerStep(), tensor.msPerStep());
            if (outcome.joulesPerStep() != null && tensor.joulesPerStep() != null) {
                add(names, shares, "energy a step", outcome.joulesPerStep(), tensor.joulesPerStep());
            }
            add(names, shares, "loss", outcome.loss(), tensor.loss());
            chart.addSeries(outcome.model(), names, shares);
        }
        Files.write(file, BitmapEncoder.getBitmapBytes(chart, BitmapFormat.PNG));
    }

    /** Adds a bar, unless there is nothing to compare with: one rank alone sends nothing. */
    private static void add(List<String> names, List<Double> shares, String name, Number value, Number tensor) {
        if (tensor.doubleValue() > 0) {
            names.add(name);
            shares.add(value.doubleValue() / tensor.doubleValue());
        }
    }
}
