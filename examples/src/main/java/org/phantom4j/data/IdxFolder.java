package org.phantom4j.data;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The IDX files of a folder, by their names: MNIST's ({@code train-images-idx3-ubyte}, {@code t10k-labels.idx1-ubyte.gz}),
 * EMNIST's and QMNIST's, which have a prefix ({@code emnist-letters-test-images-idx3-ubyte}). A file may be in a folder of
 * its own name, as archive sites pack it.
 */
final class IdxFolder {

    private static final Pattern NAME = Pattern.compile(
            "(?<prefix>.*?)[-_.]?(?<set>train|t10k|test)[-_.](?<kind>images?|labels?)"
                    + "([-_.]idx\\d?([-_.](ubyte|byte|short|int|float|double))?)?(\\.idx)?(\\.gz)?",
            Pattern.CASE_INSENSITIVE);

    private final Path folder;
    private final Map<String, Path> files = new TreeMap<>();

    /**
     * Looks for files.
     *
     * @param path a folder; or a folder and the prefix of the files meant, as {@code DIR/emnist-letters}
     * @throws DataException if there are none, or those of several data sets
     */
    IdxFolder(Path path) {
        Path parent = path.toAbsolutePath().getParent();
        boolean prefixed = !Files.exists(path) && parent != null && Files.isDirectory(parent);
        this.folder = prefixed ? parent : path;
        String wanted = prefixed ? path.getFileName().toString() : null;
        Map<String, Path> prefixes = new TreeMap<>();
        for (Path file : candidates(prefixed ? 1 : 2)) {
            Matcher name = NAME.matcher(file.getFileName().toString());
            if (name.matches()) {
                String prefix = name.group("prefix");
                prefixes.putIfAbsent(prefix, file.resolveSibling(prefix));
                if (wanted == null || prefix.equals(wanted)) {
                    String set = name.group("set").equalsIgnoreCase("train") ? "train" : "test";
                    String kind = name.group("kind").substring(0, 5).toLowerCase(Locale.ROOT);
                    files.putIfAbsent(set + " " + kind, file);
                }
            }
        }
        requireOneSet(path, wanted, prefixes);
    }

    private void requireOneSet(Path path, String wanted, Map<String, Path> prefixes) {
        if (wanted == null && prefixes.size() > 1) {
            throw new DataException(folder + " holds several data sets: name one of "
                    + String.join(", ", prefixes.keySet()) + " after the folder, as idx:"
                    + prefixes.values().iterator().next());
        }
        if (wanted != null && files.isEmpty()) {
            throw new DataException("cannot read the folder " + path + ": there is none, and in " + folder
                    + " no IDX files start with " + wanted + NearName.hint(wanted, prefixes.keySet()));
        }
        if (find("train", "image").isEmpty() && find("test", "image").isEmpty()) {
            throw new DataException("no IDX images in " + folder
                    + ": expected files named like train-images-idx3-ubyte or t10k-images-idx3-ubyte, .gz or not");
        }
    }

    /** Files here and in folders here: those here first, unpacked ones first. */
    private List<Path> candidates(int depth) {
        if (Files.isRegularFile(folder)) {
            throw new DataException(folder + " is a file: idx: takes the folder that it is in");
        }
        try (Stream<Path> found = Files.walk(folder, depth)) {
            return found.filter(Files::isRegularFile)
                    .sorted(Comparator.comparingInt(Path::getNameCount)
                            .thenComparing(file -> file.toString().endsWith(".gz"))
                            .thenComparing(Comparator.naturalOrder()))
                    .toList();
        } catch (IOException e) {
            throw new DataException("cannot read the folder " + folder + ": " + e.getMessage(), e);
        } catch (UncheckedIOException e) {
            throw new DataException(
                    "cannot read the folder " + folder + ": " + e.getCause().getMessage(), e);
        }
    }

    /** A file of {@code train} or {@code test}: its {@code image} or {@code label}. */
    Optional<Path> find(String set, String kind) {
        return Optional.ofNullable(files.get(set + " " + kind));
    }
}
