package org.phantom4j.data;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.preprocessor.NormalizerStandardize;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Samples in the rows of a table.
 *
 * @param columns of the table that was trained on
 * @param named whether it had a header
 * @param features in the order of the inputs
 * @param target the label
 * @param missing what is done about features without a value
 * @param missingValues how they are written, besides empty
 * @param means of the inputs over the training samples; empty: inputs are taken as they are
 * @param deviations the inputs' standard deviations over the training samples; 1 for a constant input
 */
public record TableLayout(
        int columns,
        boolean named,
        List<Feature> features,
        Target target,
        TableOptions.Missing missing,
        Set<String> missingValues,
        List<Double> means,
        List<Double> deviations)
        implements Layout {

    /** What a feature's cells hold. */
    public enum Type {
        NUMBER,
        /** true and false, or yes and no: 1 and 0. */
        BOOLEAN,
        /** Texts; each is an input. */
        CATEGORY
    }

    /**
     * A column that goes into the model.
     *
     * @param name null where the table had no header, or the column no name
     * @param position from 1
     * @param type of its cells
     * @param categories the texts of a category, in the order of its inputs; empty otherwise
     */
    public record Feature(String name, int position, Type type, List<String> categories) {

        /** Copies the list. */
        public Feature {
            categories = List.copyOf(categories);
        }

        /** How many inputs it makes. */
        int width() {
            return type == Type.CATEGORY ? categories.size() : 1;
        }

        /** Its name, or its number. */
        String title() {
            return name == null ? "column " + position : name;
        }
    }

    /**
     * The column that the model predicts.
     *
     * @param name null where the table had no header, or the column no name
     * @param position from 1; 0 where it is not known
     * @param classes the classes' names in the order of the outputs; empty for a regression
     */
    public record Target(String name, int position, List<String> classes) {

        /** Copies the list. */
        public Target {
            classes = List.copyOf(classes);
        }

        /** Its name, or its number. */
        String title() {
            return name == null ? String.valueOf(position) : name;
        }
    }

    /** Copies the collections. */
    public TableLayout {
        features = List.copyOf(features);
        missingValues = Set.copyOf(missingValues);
        means = List.copyOf(means);
        deviations = List.copyOf(deviations);
    }

    /**
     * The layout of a model that does not say what it was trained on: numbers as they are, the label last or missing.
     *
     * @param classes as many as the model has outputs; empty for a regression
     * @param normalizer of the inputs; may be null
     */
    public static TableLayout plain(int inputs, List<String> classes, NormalizerStandardize normalizer) {
        List<Feature> features = new ArrayList<>();
        for (int i = 1; i <= inputs; i++) {
            features.add(new Feature(null, i, Type.NUMBER, List.of()));
        }
        return new TableLayout(
                inputs + 1,
                false,
                features,
                new Target(null, inputs + 1, classes),
                TableOptions.Missing.REFUSE,
                TableOptions.USUAL_MISSING_VALUES,
                normalizer == null ? List.of() : values(normalizer.getMean()),
                normalizer == null ? List.of() : values(normalizer.getStd()));
    }

    private static List<Double> values(INDArray array) {
        List<Double> values = new ArrayList<>();
        for (double each : array.toDoubleVector()) {
            values.add(each);
        }
        return values;
    }

    @Override
    public DataSource.Kind kind() {
        return DataSource.Kind.CSV;
    }

    @Override
    public int inputs() {
        return features.stream().mapToInt(Feature::width).sum();
    }

    @Override
    public int outputs() {
        return Math.max(1, target.classes().size());
    }

    @Override
    public List<String> classes() {
        return target.classes();
    }

    @Override
    public List<String> outputNames() {
        return classifies() || target.name() == null ? Layout.super.outputNames() : List.of("output_" + target.name());
    }

    /** The features' names that are known. */
    List<String> names() {
        return features.stream().map(Feature::name).filter(name -> name != null).toList();
    }

    @Override
    public String describe() {
        String what = classifies()
                ? classes().size() + " classes in column " + target.title() + " (" + Listed.of(classes()) + ")"
                : "a regression of column " + target.title();
        String inputs = inputs() == features.size() ? "" : " (" + inputs() + " inputs)";
        return what + ", " + features.size() + (features.size() == 1 ? " feature" : " features") + inputs;
    }

    /** What is done to the inputs, as Deeplearning4j's own; null if nothing is. */
    public NormalizerStandardize normalizer() {
        return means.isEmpty() ? null : new NormalizerStandardize(row(means), row(deviations));
    }

    private static INDArray row(List<Double> values) {
        double[] array = values.stream().mapToDouble(Double::doubleValue).toArray();
        return Nd4j.createFromArray(new double[][] {array});
    }
}
