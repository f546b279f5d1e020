package org.phantom4j.data;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * A table as it is written.
 *
 * @param names of the columns; null if the table has no header; null for a column without a name
 * @param first the row that the samples start with: 1 after a header, else 0
 * @param end the row after the last
 * @param records of the rows, counted from 1 with the header
 * @param lines of the rows, where they start, from 1
 * @param blank records without any value, which are left out
 * @param checksum of the file's bytes
 */
record RawTable(
        Path file,
        List<String> names,
        List<RawColumn> columns,
        int first,
        int end,
        int[] records,
        int[] lines,
        int blank,
        char delimiter,
        long checksum) {

    int rows() {
        return end - first;
    }

    /** A column's name, or its number where it has none. */
    String name(int column) {
        String name = names == null ? null : names.get(column);
        return name == null ? "column " + (column + 1) : name;
    }

    /** All rows. */
    int[] allRows() {
        return IntStream.range(first, end).toArray();
    }

    /** A row's place, for messages. */
    String place(int row) {
        String line = lines[row] == records[row] ? "" : " (line " + lines[row] + ")";
        return file + ", record " + records[row] + line;
    }

    /** A cell's place, for messages. */
    String place(int row, int column) {
        String name = names == null || names.get(column) == null ? "" : " ('" + names.get(column) + "')";
        return place(row) + ", column " + (column + 1) + name;
    }

    /**
     * The column that a name or number means.
     *
     * @param what for messages: what it is the column of
     * @throws DataException if there is none
     */
    int column(String reference, String what) {
        int named = names == null ? -1 : names.indexOf(reference);
        if (named >= 0) {
            return named;
        }
        List<Integer> alike = new ArrayList<>();
        for (int i = 0; names != null && i < names.size(); i++) {
            if (names.get(i) != null && names.get(i).equalsIgnoreCase(reference)) {
                alike.add(i);
            }
        }
        if (alike.size() == 1) {
            return alike.get(0);
        }
        if (reference.matches("-?\\d{1,9}")) {
            int number = Integer.parseInt(reference);
            int column = number < 0 ? columns.size() + number : number - 1;
            if (number != 0 && column >= 0 && column < columns.size()) {
                return column;
            }
            throw new DataException(what + " " + reference + ": " + file + " has " + columns.size()
                    + " columns, numbered from 1, or from -1 backwards");
        }
        if (names == null) {
            throw new DataException(what + " " + reference + ": " + file
                    + " has no header that names columns; give the column's number, from 1 to " + columns.size());
        }
        throw new DataException(what + " " + reference + ": " + file + " has no such column"
                + NearName.hint(reference, namesThatAre()) + "; it has " + someNames());
    }

    /** The names of the columns that have one. */
    List<String> namesThatAre() {
        return names == null
                ? List.of()
                : names.stream().filter(name -> name != null).toList();
    }

    private String someNames() {
        return Listed.of(namesThatAre());
    }

    /** How it is written, in words. */
    String describe() {
        List<String> parts = new ArrayList<>(List.of(
                String.format(Locale.ROOT, "%,d rows of %d columns", rows(), columns.size()),
                "between " + Delimiters.name(delimiter),
                names == null ? "no header" : "with a header"));
        if (blank > 0) {
            parts.add(blank + " blank records left out");
        }
        return String.join(", ", parts);
    }
}
