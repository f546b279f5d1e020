package org.phantom4j.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.phantom4j.data.TableLayout.Feature;
import org.phantom4j.data.TableLayout.Target;
import org.phantom4j.data.TableOptions.Missing;

class DataSourceTest {

    @TempDir
    private Path folder;

    @Test
    void aTildeIsTheHomeFolder() {
        Path home = Path.of(System.getProperty("user.home"));
        assertEquals(home.resolve("mnist"), DataSource.parse("idx:~/mnist").path());
        assertEquals(home.resolve("a.csv"), DataSource.parse("csv:~/a.csv").path());
        assertEquals(home, DataSource.path("~"));
        assertEquals(Path.of("a~/b"), DataSource.path("a~/b"));
        assertEquals(Path.of("~user/b"), DataSource.path("~user/b"));
    }

    @ParameterizedTest
    @CsvSource({"cvs:a, csv:", "idz:a, idx:", "syntetic, synthetic", "., idx:."})
    void mistypedSources(String text, String meant) {
        String message = assertThrows(IllegalArgumentException.class, () -> DataSource.parse(text))
                .getMessage();
        assertTrue(message.contains("did you mean '" + meant + "'?"), message);
    }

    @ParameterizedTest
    @CsvSource({"kitten, kitten, 0", "width, widht, 1", "phantom, phatnom, 1", "a, bcd, 3", "'', ab, 2"})
    void distances(String a, String b, int expected) {
        assertEquals(expected, NearName.distance(a, b));
        assertEquals(expected, NearName.distance(b, a));
    }

    @Test
    void otherKindsOfDataAreRefusedByName() {
        Layout synthetic = new SyntheticLayout(4, 7);
        DataSource table = DataSource.parse("csv:" + folder);
        String message = assertThrows(
                        DataException.class, () -> table.questions(synthetic, TableOptions.INFERRED, DataType.FLOAT, 7))
                .getMessage();
        assertTrue(message.contains("was trained on synthetic data"), message);
        Questions other = DataSource.parse("synthetic").questions(synthetic, TableOptions.INFERRED, DataType.FLOAT, 8);
        assertTrue(
                other.notes().toString().contains("another function"),
                other.notes().toString());
    }

    @Test
    void layoutsAreKeptInAModel() throws IOException {
        Path zip = folder.resolve("model.zip");
        try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(zip))) {
            out.putNextEntry(new ZipEntry("coefficients.bin"));
            out.write(1);
        }
        assertEquals(Optional.empty(), LayoutFile.read(zip));
        TableLayout table = new TableLayout(
                4,
                true,
                List.of(
                        new Feature("ü \"x\"", 1, TableLayout.Type.NUMBER, List.of()),
                        new Feature(null, 3, TableLayout.Type.CATEGORY, List.of("a", "b,c"))),
                new Target("label", 4, List.of("-1", "1")),
                Missing.MEAN,
                Set.of("?", "NA"),
                List.of(0.1, 1e-300, Math.PI),
                List.of(1.0, 2.0, 1.0 / 3));
        for (Layout layout :
                List.of(table, new ImageLayout(List.of(28, 28), 255, List.of("0", "1")), new SyntheticLayout(5, 9))) {
            LayoutFile.write(zip, layout);
            assertEquals(Optional.of(layout), LayoutFile.read(zip));
        }
    }
}
