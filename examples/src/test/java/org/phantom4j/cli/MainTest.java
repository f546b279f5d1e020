package org.phantom4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.shade.jackson.databind.JsonNode;
import org.nd4j.shade.jackson.databind.ObjectMapper;

public class MainTest {

    private static final Path SHARED = Path.of(System.getProperty("repository.root"), "../shared");
    private static final String SMALL = "--width 32 --layers 2 --shards 4 --phantom-width 2 --batch 64";

    @TempDir
    private Path folder;

    /** What a command printed, and its exit status. */
    public record Result(int status, String out, String err) {}

    public static synchronized Result run(String line) {
        PrintStream out = System.out;
        PrintStream err = System.err;
        ByteArrayOutputStream outBytes = new ByteArrayOutputStream();
        ByteArrayOutputStream errBytes = new ByteArrayOutputStream();
        try {
            System.setOut(new PrintStream(outBytes, true, StandardCharsets.UTF_8));
            System.setErr(new PrintStream(errBytes, true, StandardCharsets.UTF_8));
            int status = Main.run(line.split(" "));
            return new Result(
                    status, outBytes.toString(StandardCharsets.UTF_8), errBytes.toString(StandardCharsets.UTF_8));
        } finally {
            System.setOut(out);
            System.setErr(err);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "fly | 'fly' is no command",
                "trian | did you mean 'train'?",
                "bench stpe --help | did you mean 'bench step'?",
                "train --widht 3 | did you mean '--width'?",
                "train --widht=3 | did you mean '--width'?",
                "train --updater adan | expected sgd, momentum, adam; did you mean 'adam'?",
                "train --device cdua | did you mean 'cuda'?",
                "train --data cvs:table | did you mean 'csv:'?",
                "train --label a | --label is for tables: --data csv:FILE",
                "train --data csv:a --delimiter ab | --delimiter ab: expected one character, or tab",
                "train --data csv:a --header maybe | --header maybe: expected yes, no",
                "train --data csv:a --missing dorp | did you mean 'drop'?",
                "train --data csv:a --categorical one-hto | did you mean 'one_hot'?",
                "train --data csv:a --task clasification | did you mean 'classification'?",
                "predict --model a.zip --data csv:a --task regression | --task",
                "train --width | width",
                "train stray | unexpected 'stray'",
                "train --width zero | --width zero: expected a whole number of at least 1",
                "train --phantom-width 0 | --phantom-width 0: expected a whole number of at least 1",
                "train --shards 4 --ranks 3 | --ranks 3 does not divide the 4 shards: use 1, 2, 4",
                "train --width 2 --shards 4 | --width 2 is less than --shards 4",
                "train --model wide | --model wide: expected phantom, tensor, dense",
                "train --model dense --ranks 2 | --model dense runs on --ranks 1",
                "train --learning-rate -1 | --learning-rate -1: expected a number above 0",
                "train --steps 3 --epochs 1 | exclude each other",
                "train --data ftp:x | 'ftp:x' is no data source",
                "train --data idx:/nowhere | cannot read the folder /nowhere",
                "train --data csv:/nowhere.csv | cannot read the CSV file /nowhere.csv",
                "train --comm pigeon | there is no back end 'pigeon' for communication: use aeron or local",
                "train --precision tf32 | --precision tf32 is for --device cuda",
                "train --engine layers | --engine is for --device cuda",
                "train --device tpu | --device tpu: expected cpu, cuda or cuda:N",
                "train --device cuda --ranks 2 --comm local | ranks on GPUs communicate over nccl",
                "train --device cuda:1 --ranks 2 | --device cuda:1 is for one rank",
                "train --ranks 4 --data-parallel 3 | --data-parallel 3 does not divide --ranks 4: use 1, 2, 4",
                "train --data-parallel 2 --ranks 2 --batch 1 | --batch 1 is less than --data-parallel 2",
                "train --model dense --ranks 4 --data-parallel 2 | or on as many as --data-parallel",
                "compare --data-parallel 2 | data-parallel",
                "compare --chart /nowhere/chart.png | expected a file in an existing folder",
                "predict --model /nowhere.zip --data synthetic --comm aeron | no such file",
                "verify --golden /nowhere --comm aeron | expected a folder of golden cases",
                "train --save ~/nowhere/model.zip | expected a file in an existing folder",
                "train --save /nowhere/model.zip | expected a file in an existing folder",
                "predict --data synthetic | --model is missing",
                "predict --model a.zip --data synthetic --precision tf32 | --precision is for --device cuda",
                "predict --model a.zip --data synthetic --engine layers | --engine is for --device cuda",
                "predict --model a.zip --data synthetic --device cuda:1 --ranks 2 | --device cuda:1 is for one rank",
                "verify --golden . --precision fp32 | --precision fp32 is for compiled steps on --device cuda",
                "verify --golden . --device cuda --engine layers --precision fp32 | layers are verified in fp64",
                "predict --model /nowhere.zip --data synthetic | no such file",
                "verify | --golden is missing",
                "verify --golden /nowhere | expected a folder of golden cases",
            })
    void saysWhatIsWrongInOneLine(String line, String expected) {
        Result result = run(line);
        assertEquals(2, result.status(), result.err());
        assertTrue(result.err().contains(expected), result.err());
        assertEquals(1, result.err().strip().lines().count(), result.err());
    }

    @ParameterizedTest
    @ValueSource(strings = {"train", "predict", "compare", "verify"})
    void helpListsTheOptions(String command) {
        Result result = run(command + " --help");
        assertEquals(0, result.status());
        assertTrue(result.out().contains("--timeout"), result.out());
        assertTrue(run("--help").out().contains(command));
    }

    @Test
    void everyRankCountTrainsTheSameModelAndPredictsTheSame() throws IOException {
        JsonNode one = train("phantom", 1, "one");
        JsonNode four = train("phantom", 4, "four");
        assertEquals(one.get("finalLoss").asDouble(), four.get("finalLoss").asDouble(), 1e-9);
        assertEquals(one.get("testLoss").asDouble(), four.get("testLoss").asDouble(), 1e-9);
        assertEquals(one.get("parameters"), four.get("parameters"));
        assertEquals(one.get("multiplyAdds"), four.get("multiplyAdds"));
        assertEquals(0, one.get("bytesSent").asLong());
        assertTrue(four.get("bytesSent").asLong() > 0);
        assertTrue(four.get("joules").isNull());

        String expected = predict("one", 1);
        assertEquals(expected, predict("one", 2));
        assertEquals(expected.lines().count(), 1 + 1024);
        assertWrittenAsDoubles(expected);
        assertSameNumbers(expected, predict("four", 4));
    }

    private JsonNode train(String model, int ranks, String name) throws IOException {
        Path json = folder.resolve(name + ".json");
        Result result = run("train --model " + model + " " + SMALL + " --precision fp64 --steps 20 --ranks " + ranks
                + " --save " + folder.resolve(name + ".zip") + " --json " + json);
        assertEquals(0, result.status(), result.err());
        return new ObjectMapper().readTree(json.toFile());
    }

    private String predict(String name, int ranks) throws IOException {
        Path csv = folder.resolve(name + ranks + ".csv");
        Result result = run("predict --model " + folder.resolve(name + ".zip") + " --data synthetic --ranks " + ranks
                + " --output " + csv);
        assertEquals(0, result.status(), result.err());
        assertTrue(result.err().contains("p99"), result.err());
        return Files.readString(csv);
    }

    /** Of a model in fp64: with digits that a float does not have. */
    private static void assertWrittenAsDoubles(String csv) {
        long longer = csv.lines()
                .skip(1)
                .flatMap(line -> Stream.of(line.split(",")))
                .filter(number -> Double.parseDouble(number) != (float) Double.parseDouble(number))
                .count();
        assertTrue(longer > csv.lines().count(), longer + " numbers have a double's digits");
    }

    private static void assertSameNumbers(String expected, String actual) {
        String[] left = expected.split("[,\n]", -1);
        String[] right = actual.split("[,\n]", -1);
        assertEquals(left.length, right.length);
        for (int i = 32; i < left.length - 1; i++) {
            assertEquals(Double.parseDouble(left[i]), Double.parseDouble(right[i]), 1e-6);
        }
    }

    @Test
    void compareCountsWhatItsFormulasSay() throws IOException {
        Path json = folder.resolve("compare.json");
        Path chart = folder.resolve("compare.png");
        Result result =
                run("compare " + SMALL + " --ranks 2 --steps 10 --repeats 2 --json " + json + " --chart " + chart);
        assertEquals(0, result.status(), result.err());
        JsonNode results = new ObjectMapper().readTree(json.toFile());
        for (String model : new String[] {"phantom", "tensor"}) {
            JsonNode values = results.get(model);
            assertEquals(values.get("parameters"), values.get("parametersCounted"));
            assertEquals(values.get("multiplyAdds"), values.get("multiplyAddsCounted"));
            assertEquals(values.get("bytesSent"), values.get("bytesSentCounted"));
            assertTrue(values.get("msPerStep").asDouble() > 0);
        }
        assertTrue(ImageIO.read(chart.toFile()).getWidth() > 100);
    }

    @Test
    void csvClassesAndRegressionTrainAndPredict() throws IOException {
        StringBuilder classes = new StringBuilder("a,b,c,d,label\n");
        StringBuilder targets = new StringBuilder();
        StringBuilder unlabelled = new StringBuilder();
        java.util.Random random = new java.util.Random(3);
        for (int i = 0; i < 400; i++) {
            double a = random.nextGaussian();
            double b = random.nextGaussian();
            String features = a + "," + b + "," + random.nextGaussian() + "," + random.nextGaussian();
            classes.append(features).append(',').append(a > b ? 1 : 0).append('\n');
            targets.append(features).append(',').append(a - 0.5 * b).append('\n');
            unlabelled.append(features).append('\n');
        }
        Path classFile = Files.writeString(folder.resolve("classes.csv"), classes);
        Path targetFile = Files.writeString(folder.resolve("targets.csv"), targets);
        Path plainFile = Files.writeString(folder.resolve("plain.csv"), unlabelled);
        Path model = folder.resolve("csv.zip");

        Result trained = run("train " + SMALL + " --ranks 2 --epochs 20 --data csv:" + classFile + " --save " + model);
        assertEquals(0, trained.status(), trained.err());
        assertTrue(trained.out().contains("test accuracy  9"), trained.out());
        Result predicted = run("predict --model " + model + " --ranks 2 --data csv:" + classFile);
        assertTrue(predicted.err().contains("accuracy   9"), predicted.err());
        Result plain = run("predict --model " + model + " --data csv:" + plainFile);
        assertEquals(401, plain.out().lines().count());
        assertFalse(plain.err().contains("accuracy"));
        assertEquals(
                0,
                run("train " + SMALL + " --epochs 2 --data csv:" + targetFile).status());

        assertUsage("predict --model " + model + " --data synthetic", "the model was trained on a table (csv:)");
        Files.writeString(plainFile, "1,2\n3,4\n");
        Result narrow = run("predict --model " + model + " --data csv:" + plainFile);
        assertEquals(2, narrow.status());
        assertTrue(narrow.err().contains("has 2 columns, but the model takes 4"), narrow.err());
    }

    @Test
    void corruptFilesAreNamed() throws IOException {
        Path images = folder.resolve("train-images-idx3-ubyte");
        Files.write(images, new byte[] {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3});
        Files.write(folder.resolve("train-labels-idx1-ubyte"), new byte[] {0, 0, 8, 1, 0, 0, 0, 2, 1, 2});
        assertUsage("train --data idx:" + folder, "is truncated: 3 of 8 values");
        Files.write(images, new byte[] {1, 2, 3, 4, 5});
        assertUsage("train --data idx:" + folder, "is not an IDX file");
        Files.write(images, new byte[] {0, 0, 8, 1, 127, 127, 127});
        assertUsage("train --data idx:" + folder, "is truncated or corrupt");
        Path csv = Files.writeString(folder.resolve("bad.csv"), "1,2,3\n4,x,6\n");
        assertUsage("train --data csv:" + csv, "record 2, column 2: 'x' is no number");
        Path model = Files.writeString(folder.resolve("bad.zip"), "no zip");
        assertUsage("predict --data synthetic --model " + model, "is no model, or is truncated");
        assertUsage("verify --golden " + folder, "holds no golden cases");
    }

    private static void assertUsage(String line, String expected) {
        Result result = run(line);
        assertEquals(2, result.status(), result.err());
        assertTrue(result.err().contains(expected), result.err());
    }

    @Test
    void aDivergingTrainingEndsWithAnError() {
        Result result = run("train " + SMALL + " --updater sgd --learning-rate 1e20 --steps 50");
        assertEquals(1, result.status());
        assertTrue(result.err().contains("the training diverged"), result.err());
    }

    @Test
    void whatDivergedDoesNotReplaceAGoodModel() throws IOException {
        Path model = Files.writeString(folder.resolve("model.zip"), "a good model");
        String line = "train " + SMALL + " --updater sgd --learning-rate 1e30 --ranks 2 --save " + model + " --steps ";
        for (int steps : new int[] {1, 20}) {
            Result result = run(line + steps);
            assertEquals(1, result.status());
            assertTrue(result.err().contains("the training diverged"), result.err());
            assertEquals("a good model", Files.readString(model));
        }
    }

    @Test
    void verifyPassesAllGoldenCases() throws IOException {
        Path golden = SHARED.resolve("golden");
        Assumptions.assumeTrue(Files.isDirectory(golden), "no golden values at " + golden);
        Result result = run("verify --golden " + golden);
        assertEquals(0, result.status(), result.out());
        long cases;
        try (Stream<Path> files = Files.list(golden)) {
            cases = files.filter(Files::isDirectory).count();
        }
        String last = result.out().strip().lines().reduce((a, b) -> b).orElseThrow();
        assertTrue(last.matches("\\d+ passed, 0 failed"), last);
        assertTrue(Integer.parseInt(last.substring(0, last.indexOf(' '))) >= cases, last);
    }

    @Test
    void learnsRealDigits() throws IOException {
        Path mnist = SHARED.resolve("data/mnist-10k");
        Assumptions.assumeTrue(Files.isDirectory(mnist), "no digits at " + mnist);
        Path json = folder.resolve("mnist.json");
        Result result = run("train --data idx:" + mnist + " --width 256 --layers 2 --epochs 3 --json " + json);
        assertEquals(0, result.status(), result.err());
        double accuracy =
                new ObjectMapper().readTree(json.toFile()).get("testAccuracy").asDouble();
        assertTrue(accuracy > 0.93, "accuracy " + accuracy);
    }
}
