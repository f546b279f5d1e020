package org.phantom4j.cli.train;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.commons.cli.Options;
import org.phantom4j.cli.frame.Arguments;
import org.phantom4j.cli.frame.UsageException;
import org.phantom4j.cli.launch.RankResults;
import org.phantom4j.comm.Communicator;
import org.phantom4j.data.DataSource;
import org.phantom4j.data.TableOptions;
import org.phantom4j.data.TableOptions.Categorical;
import org.phantom4j.data.TableOptions.Missing;
import org.phantom4j.data.TableOptions.Task;

/**
 * The options that say what data there is and how a table is read.
 *
 * @param given the options of tables that are given, by name
 */
record DataOptions(DataSource source, TableOptions table, List<String> given) {

    private static final List<String> READING = List.of("label", "delimiter", "header", "missing", "missing-values");
    private static final List<String> LEARNING = List.of("task", "categorical", "ignore");

    private static final Map<String, Character> DELIMITERS =
            Map.of("tab", '\t', "\\t", '\t', "comma", ',', "semicolon", ';', "pipe", '|', "space", ' ');

    private enum Header {
        YES,
        NO
    }

    /** Options of commands that train. */
    static void addTo(Options options) {
        addReadingTo(
                options,
                "csv: the label's column, by name or number (-1: the last; default: label, class, target or y,"
                        + " else the last)");
        Arguments.option(
                options, "task", "NAME", "csv: classification or regression (default: what the labels look like)");
        Arguments.option(
                options,
                "categorical",
                "NAME",
                "csv: features that are texts: refuse (default), or one_hot: an input for each text");
        Arguments.option(options, "ignore", "COLUMNS", "csv: columns to leave out, by names or numbers: id,7");
    }

    /** Options of a command that reads what a saved model takes. */
    static void addReadingTo(Options options) {
        addReadingTo(options, "csv: the label's column, by name or number (default: as in training)");
    }

    private static void addReadingTo(Options options, String label) {
        Arguments.option(options, "label", "COLUMN", label);
        Arguments.option(options, "delimiter", "CHAR", "csv: between cells, such as ; or tab (default: found out)");
        Arguments.option(
                options, "header", "YES|NO", "csv: whether the first record names columns (default: found out)");
        Arguments.option(
                options,
                "missing",
                "NAME",
                "csv: cells without a value: refuse (default), mean (of the training samples) or drop (the sample)");
        Arguments.option(
                options,
                "missing-values",
                "TEXTS",
                "csv: how these are written, besides empty (default ?,NA,NaN,null and" + " the like)");
    }

    /**
     * Reads the options.
     *
     * @param otherwise the source if none is named; null if one must be
     */
    static DataOptions parse(Arguments arguments, String otherwise) {
        if (otherwise == null) {
            String unused = arguments.required("data");
        }
        DataSource source = arguments.data(otherwise);
        List<String> given = Stream.concat(READING.stream(), LEARNING.stream())
                .filter(arguments::has)
                .toList();
        if (!given.isEmpty() && source.kind() != DataSource.Kind.CSV) {
            throw new UsageException("--" + given.get(0) + " is for tables: --data csv:FILE");
        }
        Header header = arguments.choice("header", Header.class, null);
        TableOptions table = TableOptions.INFERRED
                .withLabel(arguments.text("label", null))
                .withTask(arguments.choice("task", Task.class, null))
                .withDelimiter(delimiter(arguments))
                .withHeader(header == null ? null : header == Header.YES)
                .withMissing(arguments.choice("missing", Missing.class, null))
                .withCategorical(arguments.choice("categorical", Categorical.class, Categorical.REFUSE))
                .withIgnored(arguments.texts("ignore"));
        if (arguments.has("missing-values")) {
            table = table.withMissingValues(arguments.texts("missing-values"));
        }
        return new DataOptions(source, table, given);
    }

    private static Character delimiter(Arguments arguments) {
        if (!arguments.has("delimiter")) {
            return null;
        }
        String text = arguments.text("delimiter", "");
        Character named = DELIMITERS.get(text);
        if (named != null) {
            return named;
        }
        if (text.length() != 1 || text.equals("\"") || (text.isBlank() && !text.equals("\t") && !text.equals(" "))) {
            throw new UsageException(
                    "--delimiter " + text + ": expected one character, or tab, comma, semicolon, pipe or" + " space");
        }
        return text.charAt(0);
    }

    /** What is given, as on a command line. */
    String words(Arguments arguments) {
        List<String> words = new ArrayList<>(List.of("--data", arguments.text("data", "synthetic")));
        given.forEach(name -> words.addAll(List.of("--" + name, arguments.text(name, ""))));
        return String.join(" ", words);
    }

    /**
     * Refuses to go on where ranks have read different data. A collective.
     *
     * @param checksum of what this rank has read
     * @throws UsageException on every rank
     */
    void requireSame(Communicator group, long checksum) {
        long[] checksums = RankResults.gather(group, checksum);
        for (int rank = 1; rank < checksums.length; rank++) {
            if (checksums[rank] != checksums[0]) {
                throw new UsageException("rank " + rank + " has read other data than rank 0 from " + source.path()
                        + ": the files on their hosts differ");
            }
        }
    }
}
