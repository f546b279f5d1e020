package org.phantom4j.data;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.zip.CRC32;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Images and classes from a folder of IDX files named as MNIST's: {@code train-…} and {@code t10k-…}. */
public final class IdxData {

    private static final double TRAIN_SHARE = 0.8;

    private IdxData() {}

    /** Images and labels of a file each; labels are null where the file is missing. */
    private record ImageSet(IdxFile images, IdxFile labels) {

        /** A sample's label: of several numbers, as QMNIST has them, the first. */
        String label(int item) {
            return Cells.name(labels.value(item * labels.itemSize()));
        }
    }

    /**
     * Reads a folder. With both sets, one is for training and one for testing; the only set of a folder is cut, the first
     * 80 % for training. Bytes are divided by 255; other numbers are too if they lie between 0 and 255 and not between −1
     * and 1.
     *
     * @param path a folder, or a folder and the prefix of its files: {@code DIR/emnist-letters}
     * @throws DataException if files are missing or corrupt
     */
    public static Corpus read(Path path, DataType type) {
        CRC32 checksum = new CRC32();
        IdxFolder folder = new IdxFolder(path);
        ImageSet train = labelled(folder, "train", checksum);
        ImageSet test = labelled(folder, "test", checksum);
        ImageSet first = train != null ? train : test;
        Set<String> classes = new TreeSet<>(ClassNames.ORDER);
        for (ImageSet set : train != null && test != null ? List.of(train, test) : List.of(first)) {
            for (int i = 0; i < set.images().items(); i++) {
                classes.add(set.label(i));
            }
        }
        ImageLayout layout = new ImageLayout(shape(first.images()), divisor(first.images()), List.copyOf(classes));
        if (classes.size() < 2) {
            throw new DataException(first.labels().file() + " has one class only, " + classes + ": nothing to learn");
        }
        if (train != null && test != null) {
            return new Corpus(
                    samples(train, layout, type), samples(test, layout, type), layout, List.of(), checksum.getValue());
        }
        Samples all = samples(first, layout, type);
        int cut = (int) (all.size() * TRAIN_SHARE);
        if (cut == 0) {
            throw new DataException(
                    first.images().file() + " has " + all.size() + " images: too few to train and test");
        }
        return new Corpus(
                all.range(0, cut),
                all.range(cut, (int) all.size()),
                layout,
                List.of("one set of images: the first 80 % are for training"),
                checksum.getValue());
    }

    /**
     * Reads what {@link #read(Path, DataType)} tests with, for prediction. Labels may be missing.
     *
     * @throws DataException if files are missing or corrupt, or the images have another shape than the model's
     */
    public static Questions read(Path path, ImageLayout layout, DataType type) {
        CRC32 checksum = new CRC32();
        IdxFolder folder = new IdxFolder(path);
        ImageSet train = set(folder, "train", checksum);
        ImageSet test = set(folder, "test", checksum);
        ImageSet asked = test != null ? test : train;
        List<String> notes = new ArrayList<>();
        INDArray labels = null;
        int count = asked.images().items();
        if (asked.labels() == null) {
            notes.add("no accuracy: there are no labels for " + asked.images().file());
        } else {
            labels = new OneHot(layout.classes())
                    .encodeKnown(type, count, asked::label, i -> asked.labels().file() + ", item " + (i + 1), notes);
        }
        Samples all = new Samples(features(asked.images(), layout, type), labels);
        boolean both = train != null && test != null;
        Samples samples = both || count < 2 ? all : all.range((int) (count * TRAIN_SHARE), count);
        return new Questions(samples, notes, checksum.getValue());
    }

    /** A set with its labels; null if there are no images. */
    private static ImageSet labelled(IdxFolder folder, String name, CRC32 checksum) {
        ImageSet set = set(folder, name, checksum);
        if (set != null && set.labels() == null) {
            throw new DataException("no labels for " + set.images().file() + ": expected a file named like "
                    + (name.equals("train") ? name : "t10k") + "-labels-idx1-ubyte beside it");
        }
        return set;
    }

    private static ImageSet set(IdxFolder folder, String name, CRC32 checksum) {
        if (folder.find(name, "image").isEmpty()) {
            return null;
        }
        IdxFile images = IdxFile.read(folder.find(name, "image").get(), checksum);
        IdxFile labels = folder.find(name, "label")
                .map(file -> IdxFile.read(file, checksum))
                .orElse(null);
        if (labels != null
                && (labels.items() != images.items() || labels.dimensions().size() > 2)) {
            throw new DataException(
                    labels.file() + " has " + labels.items() + " labels for " + images.items() + " images");
        }
        return new ImageSet(images, labels);
    }

    private static List<Integer> shape(IdxFile images) {
        List<Integer> dimensions = images.dimensions();
        return dimensions.size() == 1 ? List.of(1) : dimensions.subList(1, dimensions.size());
    }

    private static double divisor(IdxFile images) {
        if (images.type() == IdxFile.Type.UNSIGNED_BYTE) {
            return ImageLayout.BRIGHTEST_BYTE;
        }
        double least = 0;
        double most = 0;
        for (int i = 0; i < images.items() * images.itemSize(); i++) {
            double value = images.value(i);
            if (!Double.isFinite(value)) {
                throw new DataException(notFinite(images, i));
            }
            least = Math.min(least, value);
            most = Math.max(most, value);
        }
        double largest = Math.max(-least, most);
        if (largest <= 1) {
            return 1;
        }
        return least >= 0 && most <= ImageLayout.BRIGHTEST_BYTE ? ImageLayout.BRIGHTEST_BYTE : largest;
    }

    private static String notFinite(IdxFile images, int index) {
        return images.file() + ", item " + (index / images.itemSize() + 1) + ", value "
                + (index % images.itemSize() + 1) + ": " + images.value(index) + " is not finite";
    }

    private static Samples samples(ImageSet set, ImageLayout layout, DataType type) {
        return new Samples(
                features(set.images(), layout, type),
                new OneHot(layout.classes()).encode(type, set.images().items(), set::label));
    }

    private static INDArray features(IdxFile images, ImageLayout layout, DataType type) {
        boolean flat = layout.shape().size() == 1 && layout.inputs() == images.itemSize();
        if (!flat && !shape(images).equals(layout.shape())) {
            throw new DataException(images.file() + " holds images of "
                    + new ImageLayout(shape(images), 1, List.of()).size() + ", but the others, or those that the model"
                    + " was trained on, are " + layout.size());
        }
        float[] values = new float[images.items() * images.itemSize()];
        for (int i = 0; i < values.length; i++) {
            double value = images.value(i);
            if (!Double.isFinite(value)) {
                throw new DataException(notFinite(images, i));
            }
            values[i] = (float) (value / layout.divisor());
        }
        return Nd4j.createFromArray(values)
                .reshape(images.items(), images.itemSize())
                .castTo(type);
    }
}
