package org.phantom4j.data;

import java.util.Collection;
import java.util.List;
import java.util.Set;

/**
 * How a table is to be read. What is not said is inferred from the table.
 *
 * @param label the label's column: its name, its number from 1, or from −1 backwards; null: to be inferred
 * @param task what the labels are; null: to be inferred
 * @param delimiter between cells; null: to be inferred
 * @param header whether the first record names the columns; null: to be inferred
 * @param missing what to do about cells without a value; null: refuse, or as the model's training did
 * @param missingValues how cells without a value are written, besides empty
 * @param categorical what to do about features that are texts
 * @param ignored columns that are left out: names or numbers as of the label
 */
public record TableOptions(
        String label,
        Task task,
        Character delimiter,
        Boolean header,
        Missing missing,
        Set<String> missingValues,
        Categorical categorical,
        List<String> ignored) {

    /** How cells without a value are usually written. */
    public static final Set<String> USUAL_MISSING_VALUES =
            Set.of("?", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NAN", "null", "NULL", "None", "<NA>");

    /** Everything is inferred; cells without a value and texts as features are refused. */
    public static final TableOptions INFERRED =
            new TableOptions(null, null, null, null, null, USUAL_MISSING_VALUES, Categorical.REFUSE, List.of());

    /** What labels are. */
    public enum Task {
        CLASSIFICATION,
        REGRESSION
    }

    /** What is done about cells without a value. */
    public enum Missing {
        /** The table is refused. */
        REFUSE,
        /** A feature becomes the mean of the training samples. */
        MEAN,
        /** The sample is left out. */
        DROP
    }

    /** What is done about features that are texts. */
    public enum Categorical {
        /** The table is refused. */
        REFUSE,
        /** Every text that occurs becomes an input of its own: 1 where it stands, else 0. */
        ONE_HOT
    }

    /** Copies the collections. */
    public TableOptions {
        missingValues = Set.copyOf(missingValues);
        ignored = List.copyOf(ignored);
    }

    /** The same with another label column. */
    public TableOptions withLabel(String column) {
        return new TableOptions(column, task, delimiter, header, missing, missingValues, categorical, ignored);
    }

    /** The same with another task. */
    public TableOptions withTask(Task other) {
        return new TableOptions(label, other, delimiter, header, missing, missingValues, categorical, ignored);
    }

    /** The same with another delimiter. */
    public TableOptions withDelimiter(Character character) {
        return new TableOptions(label, task, character, header, missing, missingValues, categorical, ignored);
    }

    /** The same with or without a header. */
    public TableOptions withHeader(Boolean named) {
        return new TableOptions(label, task, delimiter, named, missing, missingValues, categorical, ignored);
    }

    /** The same with something else done about cells without a value. */
    public TableOptions withMissing(Missing policy) {
        return new TableOptions(label, task, delimiter, header, policy, missingValues, categorical, ignored);
    }

    /** The same where cells without a value are written otherwise. */
    public TableOptions withMissingValues(Collection<String> values) {
        return new TableOptions(label, task, delimiter, header, missing, Set.copyOf(values), categorical, ignored);
    }

    /** The same with something else done about texts. */
    public TableOptions withCategorical(Categorical policy) {
        return new TableOptions(label, task, delimiter, header, missing, missingValues, policy, ignored);
    }

    /** The same without some columns. */
    public TableOptions withIgnored(List<String> columns) {
        return new TableOptions(label, task, delimiter, header, missing, missingValues, categorical, columns);
    }
}
