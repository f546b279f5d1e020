package org.phantom4j.data;

import de.siegmar.fastcsv.reader.CloseableIterator;
import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.CsvRecord;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Reads a table as it is written, cell by cell: RFC 4180, with any delimiter. For one table. */
final class TableReader {

    private final Path file;
    private final TableOptions options;
    private final Set<String> missing;
    private final Set<Double> missingNumbers = new HashSet<>();
    private final List<RawColumn> columns = new ArrayList<>();
    private int[] records = new int[64];
    private int[] lines = new int[64];
    /** The first record, kept apart until it is known whether it is a header. */
    private String[] first;

    private int rows = 1;
    private int record;
    private int blank;
    private char delimiter;

    private TableReader(Path file, TableOptions options) {
        this.file = file;
        this.options = options;
        this.missing = options.missingValues();
        for (String value : missing) {
            double number = Cells.number(value);
            if (!Double.isNaN(number)) {
                missingNumbers.add(number);
            }
        }
    }

    /**
     * Reads a table.
     *
     * @param known names of columns that are expected, by which a header is recognised; may be empty
     * @throws DataException if it is no table
     */
    static RawTable read(Path file, TableOptions options, Collection<String> known) {
        try (TextFile text = new TextFile(file)) {
            return new TableReader(file, options).read(text, known);
        }
    }

    private RawTable read(TextFile text, Collection<String> known) {
        try {
            readRecords(text);
        } catch (IOException e) {
            throw text.failure(e);
        } catch (UncheckedIOException e) {
            throw text.failure(e.getCause());
        } catch (CsvParseException e) {
            if (e.getCause() instanceof IOException cause) {
                throw text.failure(cause);
            }
            throw new DataException(
                    file + ", record " + (record + 1) + ": " + e.getMessage() + "; is a quote not closed?", e);
        }
        if (first == null) {
            throw new DataException(file + " is empty");
        }
        boolean header =
                options.header() != null ? options.header() : new Header(first, columns, rows, missing).isOne(known);
        if (!header) {
            for (int i = 0; i < first.length; i++) {
                addFirst(columns.get(i), first[i].strip());
            }
        } else if (rows == 1) {
            throw new DataException(file + " has a header and no rows; if that is no header, say so (--header no)");
        }
        return new RawTable(
                file,
                header ? names() : null,
                columns,
                header ? 1 : 0,
                rows,
                records,
                lines,
                blank,
                delimiter,
                text.checksum());
    }

    private void readRecords(TextFile text) throws IOException {
        int told = toldDelimiter(text.start());
        if (options.delimiter() != null) {
            delimiter = options.delimiter();
        } else {
            delimiter = told >= 0 ? (char) told : Delimiters.find(text.start(), text.startIsWhole());
        }
        // closes nothing but what the text file closes
        CsvReader<CsvRecord> reader =
                CsvReader.builder().fieldSeparator(delimiter).ofCsvRecord(text.reader());
        if (told >= 0) {
            reader.skipLines(1);
        }
        CloseableIterator<CsvRecord> iterator = reader.iterator();
        while (iterator.hasNext()) {
            add(iterator.next());
        }
    }

    /** The delimiter of Excel's first line {@code sep=;}; −1 if there is none. */
    private static int toldDelimiter(String start) {
        return start.matches("(?s)sep=[^\\r\\n]\\r?\\n.*") ? start.charAt("sep=".length()) : -1;
    }

    private void add(CsvRecord next) {
        record++;
        List<String> fields = next.getFields();
        if (fields.stream().allMatch(String::isBlank)) {
            blank++;
            return;
        }
        if (first == null) {
            first = fields.toArray(String[]::new);
            note(0, next);
            for (int i = 0; i < first.length; i++) {
                columns.add(new RawColumn());
            }
            return;
        }
        int width = columns.size();
        boolean trailing = fields.size() == width + 1 && fields.get(width).isBlank();
        boolean shorter = fields.size() == width - 1 && first[width - 1].isBlank();
        if (fields.size() != width && !trailing && !shorter) {
            throw ragged(next);
        }
        for (int i = 0; i < width; i++) {
            add(columns.get(i), i < fields.size() ? fields.get(i).strip() : "");
        }
        note(rows++, next);
    }

    private void note(int row, CsvRecord of) {
        if (row == records.length) {
            records = Arrays.copyOf(records, row * 2);
            lines = Arrays.copyOf(lines, row * 2);
        }
        records[row] = record;
        lines[row] = (int) of.getStartingLineNumber();
    }

    private DataException ragged(CsvRecord next) {
        boolean severalLines = next.getFields().stream().anyMatch(field -> field.contains("\n"));
        String line = next.getStartingLineNumber() == record ? "" : " (line " + next.getStartingLineNumber() + ")";
        return new DataException(file + ", record " + record + line + ": " + next.getFieldCount() + " columns, but "
                + columns.size() + " before (between " + Delimiters.name(delimiter) + ")"
                + (severalLines ? "; it spans lines: is a quote not closed?" : ""));
    }

    private void add(RawColumn column, String cell) {
        double number = Cells.number(cell);
        if (isMissing(cell, number)) {
            column.addMissing();
        } else if (Double.isNaN(number)) {
            column.addText(cell);
        } else {
            column.addNumber(number);
        }
    }

    private void addFirst(RawColumn column, String cell) {
        double number = Cells.number(cell);
        if (isMissing(cell, number)) {
            column.setFirstMissing();
        } else if (Double.isNaN(number)) {
            column.setFirstText(cell);
        } else {
            column.setFirstNumber(number);
        }
    }

    private boolean isMissing(String cell, double number) {
        return cell.isEmpty()
                || (Double.isNaN(number) && missing.contains(cell))
                || (!missingNumbers.isEmpty() && missingNumbers.contains(number));
    }

    private List<String> names() {
        List<String> names = new ArrayList<>();
        Map<String, Integer> columnOf = new HashMap<>();
        for (int i = 0; i < first.length; i++) {
            // NumPy writes a header as a comment
            String name = (i == 0 ? first[i].strip().replaceFirst("^#\\s*", "") : first[i]).strip();
            Integer same = name.isEmpty() ? null : columnOf.put(name, i);
            if (same != null) {
                throw new DataException(file + ": columns " + (same + 1) + " and " + (i + 1) + " are both named '"
                        + name + "'; rename one");
            }
            names.add(name.isEmpty() ? null : name);
        }
        return names;
    }
}
