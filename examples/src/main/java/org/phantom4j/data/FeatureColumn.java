package org.phantom4j.data;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** A column of a table as a feature of a model: checked as a whole when it is made. */
final class FeatureColumn {

    private static final Set<String> TRUE = Set.of("true", "yes");
    private static final Set<String> FALSE = Set.of("false", "no");

    private final RawTable table;
    private final int index;
    private final RawColumn column;
    private final TableLayout.Feature feature;
    /** The value of each text of the column: 0 or 1, or the number of the input that it sets. */
    private final int[] ofText;

    /**
     * A column.
     *
     * @param index of the column in the table
     * @param missing whether cells may have no value
     * @throws DataException if a cell does not fit the feature
     */
    FeatureColumn(RawTable table, int index, TableLayout.Feature feature, boolean missing) {
        this.table = table;
        this.index = index;
        this.column = table.columns().get(index);
        this.feature = feature;
        this.ofText = new int[column.texts().size()];
        Map<String, Integer> inputs = new HashMap<>();
        for (int i = 0; i < feature.categories().size(); i++) {
            inputs.put(feature.categories().get(i), i);
        }
        for (int i = 0; i < ofText.length; i++) {
            ofText[i] = value(column.texts().get(i), inputs);
        }
        for (int row = table.first(); row < table.end(); row++) {
            if (column.isMissing(row) && !missing) {
                throw new DataException(table.place(row, index)
                        + ": the cell has no value (it is empty, ? or the like); --missing mean fills in the mean of the"
                        + " training samples, and --missing drop leaves such samples out of a training");
            }
            if (!column.isMissing(row)) {
                String wrong = wrong(row, inputs);
                if (wrong != null) {
                    throw new DataException(table.place(row, index) + ": " + wrong);
                }
            }
        }
    }

    /** A text's value; −1 if it has none. */
    private int value(String text, Map<String, Integer> inputs) {
        if (feature.type() == TableLayout.Type.CATEGORY) {
            return inputs.getOrDefault(text, -1);
        }
        String word = text.toLowerCase(Locale.ROOT);
        return feature.type() == TableLayout.Type.NUMBER || !isBoolean(text) ? -1 : TRUE.contains(word) ? 1 : 0;
    }

    /** Whether a text is true, false, yes or no. */
    static boolean isBoolean(String text) {
        String word = text.toLowerCase(Locale.ROOT);
        return TRUE.contains(word) || FALSE.contains(word);
    }

    private String wrong(int row, Map<String, Integer> inputs) {
        if (column.isNumber(row)) {
            double number = column.number(row);
            if (Double.isInfinite(number)) {
                return number + " is not finite";
            }
            boolean category = feature.type() == TableLayout.Type.CATEGORY;
            return category && !inputs.containsKey(Cells.name(number)) ? unseen(Cells.name(number)) : null;
        }
        if (ofText[column.textIndex(row)] >= 0) {
            return null;
        }
        String text = column.text(row);
        return switch (feature.type()) {
            case CATEGORY -> unseen(text);
            case BOOLEAN -> "'" + text + "' is none of true, false, yes and no, as the model was trained with";
            case NUMBER -> noNumber(text, row == 0);
        };
    }

    private String unseen(String text) {
        return "'" + text + "' did not occur in training: it knows " + Listed.of(feature.categories());
    }

    /** Why a text is no number. */
    static String noNumber(String text, boolean firstRecord) {
        return "'" + text + "' is no number"
                + (Cells.isGrouped(text)
                        ? ": write it with a decimal point and without separators of thousands"
                        : firstRecord ? "; if this record is a header, say so (--header yes)" : "");
    }

    /** A row's cell, for messages. */
    String place(int row) {
        return table.place(row, index);
    }

    int width() {
        return feature.width();
    }

    /** An input's value in a row; NaN if there is none. */
    double value(int row, int input) {
        if (column.isMissing(row)) {
            return Double.NaN;
        }
        if (feature.type() == TableLayout.Type.CATEGORY) {
            int set = column.isNumber(row)
                    ? feature.categories().indexOf(Cells.name(column.number(row)))
                    : ofText[column.textIndex(row)];
            return set == input ? 1 : 0;
        }
        return column.isNumber(row) ? column.number(row) : ofText[column.textIndex(row)];
    }

    /** The texts of a column as categories: sorted. Its numbers are texts, too. */
    static List<String> categories(RawTable table, int index) {
        RawColumn column = table.columns().get(index);
        Set<String> found = new TreeSet<>(ClassNames.ORDER);
        for (int row = table.first(); row < table.end(); row++) {
            if (!column.isMissing(row)) {
                found.add(column.isText(row) ? column.text(row) : Cells.name(column.number(row)));
            }
        }
        return new ArrayList<>(found);
    }
}
