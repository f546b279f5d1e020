package org.phantom4j.data;

import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.CsvRecord;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Which character separates the cells of a table. */
final class Delimiters {

    private static final List<Character> CANDIDATES = List.of(',', ';', '\t', '|');
    private static final int RECORDS = 200;

    private Delimiters() {}

    /**
     * The candidate that cuts the most records into as many cells, at least two, and of these the one that leaves the
     * most numbers.
     *
     * @param start of the file
     * @param whole whether that is all of it
     * @return a comma if there is none
     */
    static char find(String start, boolean whole) {
        char best = ',';
        double bestScore = 0;
        for (char candidate : CANDIDATES) {
            double score = score(start, whole, candidate);
            if (score > bestScore) {
                best = candidate;
                bestScore = score;
            }
        }
        return best;
    }

    private static double score(String start, boolean whole, char delimiter) {
        Map<Integer, Integer> records = new HashMap<>();
        int count = 0;
        long cells = 0;
        long numbers = 0;
        try (CsvReader<CsvRecord> reader =
                CsvReader.builder().fieldSeparator(delimiter).ofCsvRecord(start)) {
            var iterator = reader.iterator();
            while (iterator.hasNext() && count < RECORDS) {
                List<String> fields = iterator.next().getFields();
                if (!whole && !iterator.hasNext() && count > 0) {
                    // cut off by the end of what was looked at
                    break;
                }
                count++;
                records.merge(width(fields), 1, Integer::sum);
                cells += fields.size();
                numbers += fields.stream()
                        .map(String::strip)
                        .filter(cell -> cell.isEmpty() || Cells.isNumber(cell) || Cells.isGrouped(cell))
                        .count();
            }
        } catch (java.io.IOException | RuntimeException e) {
            // with this delimiter it is no table
            return 0;
        }
        int usual = 0;
        for (Map.Entry<Integer, Integer> each : records.entrySet()) {
            usual = each.getKey() > 1 ? Math.max(usual, each.getValue()) : usual;
        }
        return count == 0 ? 0 : (double) usual / count * (0.01 + (double) numbers / cells);
    }

    /** Cells of a record, but for a last one that is empty. */
    private static int width(List<String> fields) {
        return fields.size() > 1 && fields.get(fields.size() - 1).isBlank() ? fields.size() - 1 : fields.size();
    }

    /** A delimiter in words. */
    static String name(char delimiter) {
        return switch (delimiter) {
            case ',' -> "commas";
            case ';' -> "semicolons";
            case '\t' -> "tabs";
            case ' ' -> "spaces";
            default -> "'" + delimiter + "'";
        };
    }
}
