package org.phantom4j.ops.golden;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.factory.Nd4j;

class GoldenCaseTest {

    @TempDir
    private Path folder;

    private void write(String name, String meta) throws IOException {
        Files.writeString(Files.createDirectory(folder.resolve(name)).resolve("meta.txt"), meta);
    }

    @Test
    void casesAreFoldersWithSizes() throws IOException {
        write("layer", "nIn=6\nnOut=4\nshards=2\nphantomWidth=3\n");
        write("a-training", "widths=4,4\nshards=2\nphantomWidth=1\n");
        Files.createDirectory(folder.resolve("other"));
        List<GoldenCase> cases = GoldenCase.in(folder);
        assertEquals(
                List.of("a-training", "layer"),
                cases.stream().map(GoldenCase::name).toList());
        assertTrue(cases.get(0).isTraining());
        assertFalse(cases.get(1).isTraining());
        assertEquals(3, cases.get(1).geometry().phantomWidth());
        assertEquals(6, cases.get(1).geometry().nIn());
    }

    @Test
    void saysWhatIsMissing() throws IOException {
        Exception none = assertThrows(IllegalArgumentException.class, () -> GoldenCase.in(folder));
        assertTrue(none.getMessage().contains("holds no golden cases"), none.getMessage());
        assertThrows(IOException.class, () -> new GoldenCase(folder.resolve("nowhere")));
        write("layer", "nIn=6\n");
        GoldenCase golden = new GoldenCase(folder.resolve("layer"));
        Exception key = assertThrows(IllegalArgumentException.class, golden::shards);
        assertTrue(key.getMessage().contains("meta.txt has no shards"), key.getMessage());
        Exception array = assertThrows(IllegalArgumentException.class, () -> golden.array("x"));
        assertTrue(array.getMessage().contains("x.npy is missing"), array.getMessage());
    }

    @Test
    void errorsAreRelativeToTheLargestValue() {
        assertEquals(
                0.25,
                GoldenCase.relativeError(Nd4j.createFromArray(-4.0, 1.0), Nd4j.createFromArray(-4.0, 2.0)),
                1e-15);
        assertEquals(2, GoldenCase.relativeError(Nd4j.createFromArray(0.0, 0.0), Nd4j.createFromArray(0.0, -2.0)));
        assertEquals(
                Double.POSITIVE_INFINITY,
                GoldenCase.relativeError(Nd4j.createFromArray(1.0), Nd4j.createFromArray(Double.NaN)));
    }
}
