package org.phantom4j.data;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * Where data comes from, as the command line names it: {@code synthetic}, {@code idx:DIR} or {@code csv:FILE}.
 *
 * @param kind which
 * @param path the folder or file; null for synthetic
 */
public record DataSource(Kind kind, Path path) {

    /** The kinds of sources. */
    public enum Kind {
        SYNTHETIC("synthetic data"),
        IDX("images in IDX files (idx:)"),
        CSV("a table (csv:)");

        private final String words;

        Kind(String words) {
            this.words = words;
        }

        /** The kind in words. */
        String words() {
            return words;
        }
    }

    /**
     * Reads a source's name. A tilde at the start of a path is the user's home folder.
     *
     * @throws IllegalArgumentException if it is none of them
     */
    public static DataSource parse(String text) {
        if (text.equals("synthetic")) {
            return new DataSource(Kind.SYNTHETIC, null);
        }
        if (text.startsWith("idx:") && text.length() > 4) {
            return new DataSource(Kind.IDX, path(text.substring(4)));
        }
        if (text.startsWith("csv:") && text.length() > 4) {
            return new DataSource(Kind.CSV, path(text.substring(4)));
        }
        throw new IllegalArgumentException(
                "'" + text + "' is no data source: use synthetic, idx:DIR or csv:FILE" + meant(text));
    }

    /** What was most likely meant: a path without a kind, or a mistyped kind. */
    private static String meant(String text) {
        int colon = text.indexOf(':');
        if (colon < 0 && !text.isEmpty() && Files.exists(path(text))) {
            return "; did you mean '" + (Files.isDirectory(path(text)) ? "idx:" : "csv:") + text + "'?";
        }
        return colon < 0
                ? NearName.hint(text, List.of("synthetic"))
                : NearName.hint(text.substring(0, colon + 1), List.of("idx:", "csv:"));
    }

    /** A path as a user writes it: shells leave the tilde where it does not start a word. */
    public static Path path(String text) {
        return text.equals("~") || text.startsWith("~/")
                ? Path.of(System.getProperty("user.home") + text.substring(1))
                : Path.of(text);
    }

    /**
     * Data to train with.
     *
     * @param options of tables
     * @param width of synthetic data
     * @param seed of synthetic data, and of how tables are shuffled
     * @throws DataException if it cannot be used
     */
    public Corpus corpus(TableOptions options, int width, DataType type, long seed) {
        return switch (kind) {
            case SYNTHETIC -> SyntheticData.create(width, type, seed);
            case IDX -> IdxData.read(path, type);
            case CSV -> TableData.read(path, options, type, seed);
        };
    }

    /**
     * Data to predict with: the test part of synthetic and IDX data, all of a table.
     *
     * @param layout of what the model was trained on
     * @param options of tables
     * @param seed of synthetic data
     * @throws DataException if it cannot be used, or is other data than the layout's
     */
    public Questions questions(Layout layout, TableOptions options, DataType type, long seed) {
        if (layout.kind() != kind) {
            throw new DataException("the model was trained on " + layout.kind().words() + " with " + layout.describe()
                    + ": it cannot predict " + kind.words());
        }
        if (layout instanceof TableLayout table) {
            return TableData.read(path, table, options, type);
        }
        if (layout instanceof ImageLayout images) {
            return IdxData.read(path, images, type);
        }
        SyntheticLayout synthetic = (SyntheticLayout) layout;
        List<String> notes = seed == synthetic.seed()
                ? List.of()
                : List.of("the model was trained on data of seed " + synthetic.seed() + ": that of seed " + seed
                        + " is another function");
        return new Questions(SyntheticData.create(synthetic.width(), type, seed).test(), notes, 0);
    }
}
