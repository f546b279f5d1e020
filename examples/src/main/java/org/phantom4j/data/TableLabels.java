package org.phantom4j.data;

import java.util.Arrays;
import java.util.List;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.data.TableLayout.Target;

/** The label column of a table. */
final class TableLabels {

    private final RawTable table;
    private final RawColumn column;
    private final int index;
    private final Target target;

    TableLabels(RawTable table, int index, Target target) {
        this.table = table;
        this.column = table.columns().get(index);
        this.index = index;
        this.target = target;
    }

    /** Labels of rows: [rows, classes] one-hot, or [rows, 1] targets. All must be known. */
    INDArray encode(DataType type, int... rows) {
        if (target.classes().isEmpty()) {
            double[] targets = Arrays.stream(rows).mapToDouble(column::number).toArray();
            return Nd4j.createFromArray(targets).castTo(type).reshape(rows.length, 1);
        }
        return new OneHot(target.classes()).encode(type, rows.length, i -> name(rows[i]));
    }

    /** Labels of rows as far as they are the target's classes; null if none is. */
    INDArray encodeKnown(DataType type, List<String> notes, int... rows) {
        return new OneHot(target.classes())
                .encodeKnown(type, rows.length, i -> name(rows[i]), i -> table.place(rows[i], index), notes);
    }

    private String name(int row) {
        if (column.isMissing(row)) {
            return null;
        }
        return column.isText(row) ? column.text(row) : Cells.name(column.number(row));
    }
}
