package org.phantom4j.data;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import org.phantom4j.data.TableLayout.Feature;
import org.phantom4j.data.TableLayout.Target;
import org.phantom4j.data.TableOptions.Categorical;
import org.phantom4j.data.TableOptions.Task;

/** What the columns of a table are to a training: the label, features, or nothing. For one table. */
final class TableInference {

    /** As many whole numbers are classes; more are targets of a regression, unless the task is said. */
    private static final int MOST_NUMBERED_CLASSES = 100;

    private static final Set<String> LABEL_NAMES = Set.of("label", "labels", "class", "target", "y");
    private static final int MOST_CATEGORIES = 1000;

    private final RawTable table;
    private final TableOptions options;
    private final Set<Integer> ignored = new HashSet<>();
    private final List<String> notes = new ArrayList<>();
    private final int label;

    TableInference(RawTable table, TableOptions options) {
        this.table = table;
        this.options = options;
        for (String each : options.ignored()) {
            ignored.add(table.column(each, "--ignore"));
        }
        this.label = label();
        if (ignored.contains(label)) {
            throw new DataException("--ignore names " + table.name(label) + ", which is the label");
        }
    }

    /** What is to be told beside the layout. */
    List<String> notes() {
        return notes;
    }

    /** The label's column. */
    int labelColumn() {
        return label;
    }

    private int label() {
        if (options.label() != null) {
            return table.column(options.label(), "--label");
        }
        int last = -1;
        int named = -1;
        for (int i = 0; i < table.columns().size(); i++) {
            RawColumn column = table.columns().get(i);
            int cells = column.textsFrom(table.first());
            if (ignored.contains(i) || cells + column.numbersFrom(table.first()) == 0) {
                continue;
            }
            last = i;
            String name = table.names() == null ? null : table.names().get(i);
            if (name != null && LABEL_NAMES.contains(name.toLowerCase(Locale.ROOT))) {
                named = i;
            }
        }
        if (last < 0) {
            throw new DataException(table.file() + " has no column with values");
        }
        return named >= 0 ? named : last;
    }

    private static boolean isBoolean(RawColumn column) {
        return !column.texts().isEmpty() && column.texts().stream().allMatch(FeatureColumn::isBoolean);
    }

    /**
     * The label's column, and what its labels are.
     *
     * @param rows those that are trained and tested on
     */
    Target target(int... rows) {
        RawColumn column = table.columns().get(label);
        Set<String> classes = new TreeSet<>(ClassNames.ORDER);
        boolean whole = true;
        for (int row : rows) {
            if (column.isMissing(row)) {
                throw new DataException(table.place(row, label)
                        + ": the label is missing; --missing drop leaves such samples out"
                        + (options.label() == null ? ", and --label names another column" : ""));
            }
            double number = column.number(row);
            if (column.isNumber(row) && Double.isInfinite((float) number)) {
                throw new DataException(table.place(row, label) + ": the label " + number + " is not finite");
            }
            whole &= column.isText(row) || number == Math.rint(number);
            classes.add(column.isText(row) ? column.text(row) : Cells.name(number));
        }
        int firstText = column.firstText(table.first());
        boolean classifies = options.task() == null
                ? firstText >= 0 || (whole && areClasses(classes.size(), rows.length))
                : options.task() == Task.CLASSIFICATION;
        requireTask(classifies, classes, firstText, rows.length);
        String name = table.names() == null ? null : table.names().get(label);
        return new Target(name, label + 1, classifies ? List.copyOf(classes) : List.of());
    }

    private static boolean areClasses(int distinct, int rows) {
        return distinct <= MOST_NUMBERED_CLASSES && (distinct <= 2 || distinct * 2 <= rows);
    }

    private void requireTask(boolean classifies, Set<String> classes, int firstText, int rows) {
        String column = table.file() + ": the label, " + title(label) + ",";
        String other = options.label() == null ? "; --label names another column" : "";
        if (classes.size() < 2) {
            throw new DataException(
                    column + " is " + String.join("", classes) + " in every row: there is nothing to learn"
                            + (other.isEmpty() ? "; is it the right column?" : other));
        }
        if (!classifies && firstText >= 0) {
            throw new DataException(table.place(firstText, label) + ": "
                    + FeatureColumn.noNumber(table.columns().get(label).text(firstText), firstText == 0)
                    + ", as --task regression needs");
        }
        boolean unrepeated = classes.size() == rows && firstText >= 0;
        if (classifies && (unrepeated || (long) classes.size() * rows > Integer.MAX_VALUE)) {
            throw new DataException(column + " has " + classes.size() + " classes in " + rows
                    + " rows: too many to learn" + (other.isEmpty() ? "; is it the right column?" : other));
        }
        List<String> numbers = classes.stream().filter(Cells::isGrouped).toList();
        if (classifies && numbers.size() * 2 > classes.size()) {
            throw new DataException(
                    table.place(firstText, label) + ": " + FeatureColumn.noNumber(numbers.get(0), false));
        }
    }

    private String title(int column) {
        return table.names() == null || table.names().get(column) == null
                ? "column " + (column + 1)
                : "column " + (column + 1) + " ('" + table.name(column) + "')";
    }

    /** The features, in the order of the columns. */
    List<Feature> features() {
        List<Feature> features = new ArrayList<>();
        for (int i = 0; i < table.columns().size(); i++) {
            if (i != label && !ignored.contains(i) && !isEmpty(i) && !isRowNumber(i)) {
                features.add(feature(i));
            }
        }
        if (features.isEmpty()) {
            throw new DataException(table.file() + " has no features beside the label, " + title(label)
                    + (table.columns().size() == 1
                            ? ": its rows are one cell each between " + Delimiters.name(table.delimiter())
                                    + "; --delimiter names another separator"
                            : ""));
        }
        return features;
    }

    private boolean isEmpty(int index) {
        RawColumn column = table.columns().get(index);
        boolean empty = column.numbersFrom(table.first()) + column.textsFrom(table.first()) == 0;
        if (empty) {
            notes.add(title(index) + " is empty and left out");
        }
        return empty;
    }

    /** Whether a column is the row numbers that pandas and R write before the others. */
    private boolean isRowNumber(int index) {
        if (index != 0 || table.names() == null) {
            return false;
        }
        String name = table.names().get(0);
        if (name != null && !name.equals("Unnamed: 0")) {
            return false;
        }
        RawColumn column = table.columns().get(0);
        double start = column.number(table.first());
        for (int row = table.first(); row < table.end(); row++) {
            if (column.number(row) != start + (row - table.first())) {
                return false;
            }
        }
        notes.add("column 1 has no name, counts the rows, and is left out");
        return true;
    }

    private Feature feature(int index) {
        RawColumn column = table.columns().get(index);
        String name = table.names() == null ? null : table.names().get(index);
        int firstText = column.firstText(table.first());
        int numbers = column.numbersFrom(table.first());
        if (firstText < 0) {
            return new Feature(name, index + 1, TableLayout.Type.NUMBER, List.of());
        }
        if (numbers == 0 && isBoolean(column)) {
            return new Feature(name, index + 1, TableLayout.Type.BOOLEAN, List.of());
        }
        String text = column.text(firstText);
        if (numbers >= column.textsFrom(table.first()) || Cells.isGrouped(text)) {
            throw new DataException(
                    table.place(firstText, index) + ": " + FeatureColumn.noNumber(text, firstText == 0));
        }
        List<String> categories = FeatureColumn.categories(table, index);
        if (options.categorical() == Categorical.REFUSE) {
            throw new DataException(
                    table.place(firstText, index) + ": '" + text + "' is no number, and the column holds "
                            + categories.size() + " texts: --categorical one_hot makes an input of each, --ignore "
                            + (name == null ? String.valueOf(index + 1) : name) + " leaves it out"
                            + (options.label() == null ? ", and --label says if it is the label" : ""));
        }
        if (categories.size() > MOST_CATEGORIES) {
            throw new DataException(table.file() + ": " + title(index) + " holds " + categories.size()
                    + " different texts, more than " + MOST_CATEGORIES + ": is it a name? --ignore leaves it out");
        }
        return new Feature(name, index + 1, TableLayout.Type.CATEGORY, categories);
    }
}
