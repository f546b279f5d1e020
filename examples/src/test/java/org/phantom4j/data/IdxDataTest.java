package org.phantom4j.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;

/** Folders of IDX files as archives pack them. */
class IdxDataTest {

    private static final int COUNT = 10;

    @TempDir
    private Path folder;

    /** Images of 2 by 3 whose values count up, by type. */
    private static byte[] images(int code) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        DataOutputStream out = new DataOutputStream(bytes);
        out.writeInt(code << 8 | 3);
        for (int size : new int[] {COUNT, 2, 3}) {
            out.writeInt(size);
        }
        for (int i = 0; i < COUNT * 6; i++) {
            switch (code) {
                case 0x08, 0x09 -> out.writeByte(i);
                case 0x0B -> out.writeShort(i);
                case 0x0C -> out.writeInt(i * 100);
                case 0x0D -> out.writeFloat(i / 60f);
                default -> out.writeDouble(i / 60.0);
            }
        }
        return bytes.toByteArray();
    }

    /** Labels 1, 2, 3, 1 …; {@code columns} numbers each, of which the first counts. */
    private static byte[] labels(int code, int columns) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        DataOutputStream out = new DataOutputStream(bytes);
        out.writeInt(code << 8 | (columns == 1 ? 1 : 2));
        out.writeInt(COUNT);
        if (columns > 1) {
            out.writeInt(columns);
        }
        for (int i = 0; i < COUNT * columns; i++) {
            int label = i % columns == 0 ? 1 + i / columns % 3 : 77;
            if (code == 0x0C) {
                out.writeInt(label);
            } else {
                out.writeByte(label);
            }
        }
        return bytes.toByteArray();
    }

    private void write(String name, byte[] bytes) throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        Files.write(file, bytes);
    }

    private void set(String images, String labels) throws IOException {
        write(images, images(0x08));
        write(labels, labels(0x08, 1));
    }

    private static Corpus read(Path path) {
        return IdxData.read(path, DataType.FLOAT);
    }

    private static String failure(Path path) {
        return assertThrows(DataException.class, () -> read(path)).getMessage();
    }

    @ParameterizedTest
    @CsvSource({
        "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte",
        "train-images.idx3-ubyte, train-labels.idx1-ubyte, t10k-images.idx3-ubyte, t10k-labels.idx1-ubyte",
        "emnist-letters-train-images-idx3-ubyte, emnist-letters-train-labels-idx1-ubyte,"
                + " emnist-letters-test-images-idx3-ubyte, emnist-letters-test-labels-idx1-ubyte",
        "train-images-idx3-ubyte/train-images-idx3-ubyte, train-labels-idx1-ubyte/train-labels-idx1-ubyte,"
                + " t10k-images-idx3-ubyte/t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte/t10k-labels-idx1-ubyte",
        "Train_Images.idx, Train_Labels.idx, test_images.idx, test_labels.idx",
    })
    void namesThatPeopleHave(String images, String labels, String testImages, String testLabels) throws IOException {
        set(images, labels);
        set(testImages, testLabels);
        Corpus corpus = read(folder);
        assertEquals(COUNT, corpus.train().size());
        assertEquals(COUNT, corpus.test().size());
        assertEquals(List.of("1", "2", "3"), corpus.layout().classes(), "labels from 1 make no empty class");
        assertEquals(6, corpus.inputs());
    }

    @Test
    void aFolderBesideTheFileIsNoFile() throws IOException {
        // as an archive site packs MNIST
        set("train-images.idx3-ubyte", "train-labels.idx1-ubyte");
        set("train-images-idx3-ubyte/train-images-idx3-ubyte", "train-labels-idx1-ubyte/train-labels-idx1-ubyte");
        Corpus corpus = read(folder);
        assertEquals(COUNT, corpus.train().size() + corpus.test().size());
        assertTrue(
                corpus.notes().toString().contains("the first 80 %"),
                corpus.notes().toString());
    }

    @Test
    void labelsOfSeveralNumbers() throws IOException {
        write("qmnist-train-images-idx3-ubyte", images(0x08));
        write("qmnist-train-labels-idx2-int", labels(0x0C, 8));
        assertEquals(List.of("1", "2", "3"), read(folder).layout().classes());
    }

    @ParameterizedTest
    @CsvSource({
        "8, 255, 59",
        "9, 255, 59",
        "11, 255, 59",
        "12, 5900, 5900",
        "13, 1, 0.98333335",
        "14, 1, 0.9833333333333333"
    })
    void numbersOfAllTypes(int code, double divisor, double last) throws IOException {
        write("train-images-idx3", images(code));
        write("train-labels-idx1", labels(0x08, 1));
        Corpus corpus = read(folder);
        assertEquals(divisor, ((ImageLayout) corpus.layout()).divisor());
        assertEquals(last / divisor, corpus.test().features().getDouble(1, 5), 1e-6);
    }

    @Test
    void imagesThatAreNotFiniteAreNamed() throws IOException {
        byte[] bytes = images(0x0D);
        bytes[16 + 4 * 7] = 0x7F;
        bytes[16 + 4 * 7 + 1] = (byte) 0xC0;
        write("train-images-idx3", bytes);
        write("train-labels-idx1", labels(0x08, 1));
        assertTrue(failure(folder).contains("item 2, value 2: NaN is not finite"), failure(folder));
    }

    @Test
    void severalDataSetsAreToldApartByTheirPrefix() throws IOException {
        for (String prefix : List.of("emnist-letters", "emnist-digits")) {
            set("gzip/" + prefix + "-train-images-idx3-ubyte", "gzip/" + prefix + "-train-labels-idx1-ubyte");
        }
        assertTrue(failure(folder).contains("emnist-digits, emnist-letters"), failure(folder));
        assertTrue(failure(folder).contains("idx:" + folder.resolve("gzip/emnist-digits")), failure(folder));
        assertEquals(6, read(folder.resolve("gzip/emnist-letters")).inputs());
        assertTrue(
                failure(folder.resolve("gzip/emnist-leters")).contains("did you mean 'emnist-letters'?"),
                failure(folder.resolve("gzip/emnist-leters")));
    }

    @Test
    void gzippedAndEmptyFiles() throws IOException {
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(packed)) {
            out.write(images(0x08));
        }
        write("train-images-idx3-ubyte.gz", packed.toByteArray());
        write("train-labels-idx1-ubyte.gz", labels(0x08, 1));
        assertEquals(6, read(folder).inputs(), "the name does not decide");
        write("train-labels-idx1-ubyte.gz", new byte[0]);
        assertTrue(failure(folder).contains("is empty"), failure(folder));
        Files.delete(folder.resolve("train-labels-idx1-ubyte.gz"));
        assertTrue(failure(folder).contains("no labels for"), failure(folder));
    }

    @Test
    void predictionChecksTheShapeAndTellsOfLabels() throws IOException {
        set("train-images-idx3-ubyte", "train-labels-idx1-ubyte");
        set("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte");
        ImageLayout layout = new ImageLayout(List.of(2, 3), 255, List.of("1", "2"));
        Questions questions = IdxData.read(folder, layout, DataType.FLOAT);
        assertEquals(COUNT, questions.samples().size());
        assertTrue(
                questions.notes().toString().contains("without 3 of 10"),
                questions.notes().toString());
        Files.delete(folder.resolve("t10k-labels-idx1-ubyte"));
        assertNull(IdxData.read(folder, layout, DataType.FLOAT).samples().labels());
        ImageLayout other = new ImageLayout(List.of(3, 2), 255, List.of("1", "2"));
        String message = assertThrows(DataException.class, () -> IdxData.read(folder, other, DataType.FLOAT))
                .getMessage();
        assertTrue(message.contains("images of 2×3") && message.contains("3×2"), message);
    }
}
