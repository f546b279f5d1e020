package org.phantom4j.data;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.phantom4j.data.TableLayout.Feature;
import org.phantom4j.data.TableLayout.Target;

/** The columns of a table that a model takes: by name where both have names, else by place. */
final class TableMatch {

    private final RawTable table;
    private final TableLayout layout;
    private final TableOptions options;

    TableMatch(RawTable table, TableLayout layout, TableOptions options) {
        this.table = table;
        this.layout = layout;
        this.options = options;
    }

    /**
     * The features' columns in the order of the model, and the label's, −1 if there is none.
     *
     * @throws DataException if a feature has no column
     */
    int[] columns() {
        int label = options.label() == null ? -1 : table.column(options.label(), "--label");
        boolean byName = table.names() != null
                && layout.names().size() == layout.features().size();
        int[] columns = byName ? byName() : byPlace();
        if (label >= 0) {
            columns[columns.length - 1] = label;
        }
        return columns;
    }

    private int[] byName() {
        List<Integer> columns = new ArrayList<>();
        for (Feature feature : layout.features()) {
            int column = table.names().indexOf(feature.name());
            if (column < 0) {
                throw new DataException(table.file() + " has no column '" + feature.name()
                        + "', which the model takes" + NearName.hint(feature.name(), unknownNames())
                        + "; it was trained on " + Listed.of(layout.names()));
            }
            columns.add(column);
        }
        Target target = layout.target();
        columns.add(target.name() == null ? -1 : table.names().indexOf(target.name()));
        return columns.stream().mapToInt(Integer::intValue).toArray();
    }

    private List<String> unknownNames() {
        return table.namesThatAre().stream()
                .filter(name -> !layout.names().contains(name))
                .toList();
    }

    private int[] byPlace() {
        int count = table.columns().size();
        int label = layout.target().position();
        int[] positions = layout.features().stream().mapToInt(Feature::position).toArray();
        if (count == layout.columns()) {
            return with(Arrays.stream(positions).map(position -> position - 1), label - 1);
        }
        if (count == layout.columns() - 1) {
            return with(Arrays.stream(positions).map(position -> position - (position > label ? 2 : 1)), -1);
        }
        if (count == positions.length) {
            return with(IntStream.range(0, count), -1);
        }
        throw new DataException(table.file() + " has " + count + " columns, but the model takes " + positions.length
                + " features: expected " + (layout.columns() - 1) + " columns, or " + layout.columns()
                + " with the label in column " + label);
    }

    private static int[] with(IntStream features, int label) {
        return IntStream.concat(features, IntStream.of(label)).toArray();
    }
}
