package org.phantom4j.data;

import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/** Whether the first record of a table names its columns. */
final class Header {

    /** As many numbers, counted up from 0 or 1, are column numbers and no values where nothing else tells. */
    private static final int COUNTED = 5;

    /** As many numbers, counted up, are names beside texts: years. */
    private static final int COUNTED_BESIDE_TEXTS = 3;

    private final String[] cells;
    private final List<RawColumn> columns;
    private final int rows;
    private final Set<String> missing;

    /**
     * A first record.
     *
     * @param columns the records after it, from row 1
     * @param rows the row after the last
     * @param missing how cells without a value are written
     */
    Header(String[] cells, List<RawColumn> columns, int rows, Set<String> missing) {
        this.cells = Stream.of(cells).map(String::strip).toArray(String[]::new);
        this.columns = columns;
        this.rows = rows;
        this.missing = missing;
    }

    /**
     * A header's texts stand above numbers, or none of them occurs below; or it counts the columns, as pandas does.
     *
     * @param known names of columns that are expected
     */
    boolean isOne(Collection<String> known) {
        if (!known.isEmpty()) {
            long found = Arrays.stream(cells).filter(known::contains).distinct().count();
            if (found * 2 > known.size()) {
                return true;
            }
        }
        long texts = Arrays.stream(cells).filter(this::isText).count();
        double[] numbers = Arrays.stream(cells)
                .mapToDouble(Cells::number)
                .filter(number -> !Double.isNaN(number))
                .toArray();
        boolean counts = numbers.length > 0 && countsUp(numbers);
        boolean fromStart = counts && numbers[0] <= 1 && numbers[0] >= 0;
        if (texts == 0) {
            // pandas leaves the name of the row numbers empty
            int unnamed = cells[0].isEmpty() ? 1 : 0;
            return fromStart && numbers.length + unnamed >= COUNTED;
        }
        if (rows == 1 || numbers.length == 0) {
            return numbers.length == 0 && (rows == 1 || isAboveNumbers() || isNew());
        }
        return (counts && numbers.length >= COUNTED_BESIDE_TEXTS && isAboveNumbers())
                || (fromStart && numbers.length >= COUNTED && isNew());
    }

    private boolean isText(String cell) {
        return !cell.isEmpty() && !Cells.isNumber(cell) && !missing.contains(cell);
    }

    private static boolean countsUp(double... numbers) {
        for (int i = 0; i < numbers.length; i++) {
            if (numbers[i] != numbers[0] + i || numbers[i] != Math.rint(numbers[i])) {
                return false;
            }
        }
        return true;
    }

    private boolean isAboveNumbers() {
        for (int i = 0; i < cells.length; i++) {
            RawColumn below = columns.get(i);
            if (isText(cells[i]) && below.numbersFrom(1) > below.textsFrom(1)) {
                return true;
            }
        }
        return false;
    }

    /** Whether the cells differ, and the texts among them do not occur below. */
    private boolean isNew() {
        for (int i = 0; i < cells.length; i++) {
            boolean named = isText(cells[i]) || Cells.isNumber(cells[i]);
            if (!named || columns.get(i).holds(cells[i], 1)) {
                return false;
            }
        }
        return new HashSet<>(Arrays.asList(cells)).size() == cells.length;
    }
}
