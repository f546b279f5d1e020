package org.phantom4j.ops.golden;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Properties;
import java.util.stream.Stream;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.ops.PhantomGeometry;
import org.phantom4j.ops.Products;
import org.phantom4j.ops.ShardRange;
import org.phantom4j.ops.Split;

/**
 * One folder of golden values: {@code meta.txt} with the sizes and a {@code .npy} file for each array. A layer case has
 * the keys nIn and nOut, a training case the key widths.
 */
public final class GoldenCase {

    private final Path folder;
    private final Properties meta = new Properties();

    /**
     * Reads the sizes of a case.
     *
     * @throws IOException if the folder has no readable meta.txt
     */
    public GoldenCase(Path folder) throws IOException {
        this.folder = folder;
        try (Reader reader = Files.newBufferedReader(folder.resolve("meta.txt"))) {
            meta.load(reader);
        }
    }

    /**
     * The cases in a folder, in the order of their names.
     *
     * @throws IOException if the folder cannot be read
     * @throws IllegalArgumentException if there is none in it
     */
    public static List<GoldenCase> in(Path folder) throws IOException {
        List<Path> folders;
        try (Stream<Path> files = Files.list(folder)) {
            folders = files.filter(file -> Files.exists(file.resolve("meta.txt")))
                    .sorted()
                    .toList();
        }
        if (folders.isEmpty()) {
            throw new IllegalArgumentException(folder + " holds no golden cases: each is a folder with a meta.txt");
        }
        List<GoldenCase> cases = new java.util.ArrayList<>();
        for (Path each : folders) {
            cases.add(new GoldenCase(each));
        }
        return cases;
    }

    /** The folder's name. */
    public String name() {
        return String.valueOf(folder.getFileName());
    }

    /** Whether this is a training run; else it is a single layer. */
    public boolean isTraining() {
        return meta.containsKey("widths");
    }

    /** The number of shards. */
    public int shards() {
        return Integer.parseInt(text("shards"));
    }

    /** The geometry of a layer case. */
    public PhantomGeometry geometry() {
        return geometry(Long.parseLong(text("nIn")), Long.parseLong(text("nOut")));
    }

    /** The geometry of a layer of these widths with the case's shards and phantom width. */
    public PhantomGeometry geometry(long nIn, long nOut) {
        return new PhantomGeometry(nIn, nOut, shards(), Long.parseLong(text("phantomWidth")));
    }

    /**
     * A value of meta.txt.
     *
     * @throws IllegalArgumentException if it is missing
     */
    public String text(String key) {
        String value = meta.getProperty(key);
        if (value == null) {
            throw new IllegalArgumentException(folder.resolve("meta.txt") + " has no " + key);
        }
        return value.trim();
    }

    /**
     * An array in double precision.
     *
     * @throws IllegalArgumentException if its file is missing or unreadable
     */
    public INDArray array(String name) {
        Path file = folder.resolve(name + ".npy");
        if (!Files.isReadable(file)) {
            throw new IllegalArgumentException(file + " is missing or cannot be read");
        }
        return Nd4j.createFromNpyFile(file.toFile()).castTo(DataType.DOUBLE);
    }

    /** The columns of {@code whole} that belong to a rank's shards. */
    public static INDArray columns(INDArray whole, Split split, ShardRange own) {
        return Products.columns(whole, split.offset(own.first()), split.width(own));
    }

    /** The decompressors of shard {@code to} in one array, [(p − 1)·k, nOut_to]; prefix as of the case's files. */
    public INDArray decompressors(String prefix, PhantomGeometry geometry, int to) {
        INDArray all = Nd4j.create(
                DataType.DOUBLE, geometry.decompressorRows(), geometry.out().width(to));
        for (int from = 0; from < geometry.shards(); from++) {
            if (from != to) {
                Products.rows(all, geometry.decompressorRow(from, to), geometry.phantomWidth())
                        .assign(array(prefix + to + "_" + from));
            }
        }
        return all;
    }

    /** The largest absolute difference, relative to the largest value expected; absolute where that is 0. */
    public static double relativeError(INDArray expected, INDArray actual) {
        double scale = expected.amaxNumber().doubleValue();
        double difference = expected.sub(actual.castTo(DataType.DOUBLE).reshape(expected.shape()))
                .amaxNumber()
                .doubleValue();
        double error = scale == 0 ? difference : difference / scale;
        return Double.isNaN(error) ? Double.POSITIVE_INFINITY : error;
    }
}
