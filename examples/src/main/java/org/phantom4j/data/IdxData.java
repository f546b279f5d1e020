package org.phantom4j.data;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Images and classes from a folder of IDX files named as MNIST's: {@code train-…} and {@code t10k-…}. */
public final class IdxData {

    private static final double TRAIN_SHARE = 0.8;

    private IdxData() {}

    /**
     * Reads a folder. With both sets, one is for training and one for testing; the only set of a folder is cut, the first
     * 80 % for training.
     *
     * @throws DataException if files are missing or corrupt
     */
    public static Corpus read(Path folder, DataType type) {
        boolean train = find(folder, "train", "images") != null;
        boolean test = find(folder, "t10k", "images") != null;
        if (!train && !test) {
            throw new DataException("no IDX images in " + folder
                    + ": expected files named like train-images-idx3-ubyte or t10k-images-idx3-ubyte, .gz or not");
        }
        if (train && test) {
            return new Corpus(set(folder, "train", type), set(folder, "t10k", type), true, null);
        }
        Samples all = set(folder, train ? "train" : "t10k", type);
        int cut = (int) (all.size() * TRAIN_SHARE);
        return new Corpus(all.range(0, cut), all.range(cut, (int) all.size()), true, null);
    }

    private static Samples set(Path folder, String prefix, DataType type) {
        IdxFile images = IdxFile.read(find(folder, prefix, "images"));
        Path labelFile = find(folder, prefix, "labels");
        if (labelFile == null) {
            throw new DataException("no labels for " + find(folder, prefix, "images") + ": expected a file named like "
                    + prefix + "-labels-idx1-ubyte beside it");
        }
        IdxFile classes = IdxFile.read(labelFile);
        int count = images.dimensions()[0];
        if (classes.dimensions()[0] != count || classes.itemBytes() != 1) {
            throw new DataException(labelFile + " has " + classes.dimensions()[0] + " labels for " + count + " images");
        }
        return new Samples(features(images, type), oneHot(classes.values(), type));
    }

    private static INDArray features(IdxFile images, DataType type) {
        float[] values = new float[images.values().length];
        for (int i = 0; i < values.length; i++) {
            values[i] = (images.values()[i] & 0xFF) / 255f;
        }
        return Nd4j.createFromArray(values)
                .reshape(images.dimensions()[0], images.itemBytes())
                .castTo(type);
    }

    private static INDArray oneHot(byte[] classes, DataType type) {
        int width = 10;
        for (byte each : classes) {
            width = Math.max(width, (each & 0xFF) + 1);
        }
        INDArray labels = Nd4j.zeros(type, classes.length, width);
        for (int i = 0; i < classes.length; i++) {
            labels.putScalar(i, classes[i] & 0xFF, 1);
        }
        return labels;
    }

    private static Path find(Path folder, String prefix, String kind) {
        try (Stream<Path> files = Files.list(folder)) {
            List<Path> found = files.filter(file -> {
                        String name = file.getFileName().toString();
                        return name.startsWith(prefix + "-" + kind);
                    })
                    .sorted()
                    .toList();
            return found.isEmpty() ? null : found.get(0);
        } catch (IOException e) {
            throw new DataException("cannot read the folder " + folder + ": " + e.getMessage(), e);
        }
    }
}
