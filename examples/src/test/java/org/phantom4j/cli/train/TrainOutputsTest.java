package org.phantom4j.cli.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.util.ModelSerializer;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.phantom4j.cli.Main;
import org.phantom4j.cli.MainTest;
import org.phantom4j.cli.MainTest.Result;
import org.phantom4j.cli.frame.UsageException;
import org.phantom4j.comm.LocalRanks;
import org.phantom4j.data.DataSource;
import org.phantom4j.data.TableOptions;
import org.phantom4j.layers.train.ShuffledRows;

/** What train and predict leave behind: models, predictions, and words about what is not there. */
class TrainOutputsTest {

    private static final String SMALL = "--width 16 --layers 1 --shards 2 --phantom-width 2 --batch 32 --ranks 1";
    private static final int ROWS = 200;

    @TempDir
    private Path folder;

    /** Rows of two features and a colour, with a header. */
    private Path colours() throws IOException {
        Random random = new Random(5);
        StringBuilder text = new StringBuilder("colour;a;b\n");
        for (int i = 0; i < ROWS; i++) {
            double a = random.nextGaussian();
            double b = random.nextGaussian();
            text.append(String.format(Locale.ROOT, "%s;%.4f;%.4f%n", a > b ? "red" : "light, blue", a, b));
        }
        return Files.writeString(folder.resolve("colours.csv"), text);
    }

    private static Result succeed(String line) {
        Result result = MainTest.run(line);
        assertEquals(0, result.status(), result.err());
        return result;
    }

    @Test
    void predictNamesClassesAndRefusesOtherData() throws IOException {
        Path data = colours();
        Path model = folder.resolve("model.zip");
        Result trained = succeed("train " + SMALL + " --epochs 40 --learning-rate 0.01 --label colour --data csv:"
                + data + " --save " + model);
        assertTrue(trained.out().contains("2 classes in column colour (light, blue, red), 2 features"), trained.out());
        assertTrue(trained.out().contains("200 rows of 3 columns, between semicolons, with a header"), trained.out());
        Path output = folder.resolve("predicted.csv");
        Result predicted = succeed("predict --model " + model + " --data csv:" + data + " --output " + output);
        List<String> lines = Files.readAllLines(output);
        assertEquals("\"output_light, blue\",output_red,class", lines.get(0));
        assertEquals(ROWS + 1, lines.size());
        long red = lines.stream().filter(line -> line.endsWith(",red")).count();
        long blue =
                lines.stream().filter(line -> line.endsWith(",\"light, blue\"")).count();
        assertEquals(ROWS, red + blue);
        assertTrue(red > 50 && blue > 50, red + " red");
        assertTrue(predicted.err().contains("accuracy   9"), predicted.err());

        for (String other : List.of("synthetic", "idx:" + folder)) {
            Result refused = MainTest.run("predict --model " + model + " --data " + other);
            assertEquals(2, refused.status());
            assertTrue(
                    refused.err().contains("trained on a table (csv:) with 2 classes in column colour"), refused.err());
        }
        Path renamed = Files.writeString(folder.resolve("renamed.csv"), "a;c\n1;2\n");
        Result refused = MainTest.run("predict --model " + model + " --data csv:" + renamed);
        assertTrue(refused.err().contains("has no column 'b', which the model takes"), refused.err());
        Path placeholders = Files.writeString(folder.resolve("placeholders.csv"), "b,a,colour\n1,2,?\n3,4,?\n");
        Result unlabelled = succeed("predict --model " + model + " --data csv:" + placeholders);
        assertFalse(unlabelled.err().contains("accuracy   "), unlabelled.err());
        assertTrue(unlabelled.err().contains("no accuracy"), unlabelled.err());
        assertEquals(3, unlabelled.out().lines().count());
    }

    @Test
    void ranksThatAreProcessesReadTheSameTable() throws IOException {
        Path data = colours();
        String train =
                "train --width 16 --layers 1 --shards 2 --phantom-width 2 --batch 32 --steps 5 --label -3 --header yes"
                        + " --delimiter ; --data csv:" + data + " --ranks 2";
        Path threads = folder.resolve("threads.zip");
        Path processes = folder.resolve("processes.zip");
        succeed(train + " --save " + threads);
        Result trained = succeed(train + " --comm aeron --save " + processes);
        assertTrue(trained.out().contains("2 classes in column colour (light, blue, red)"), trained.out());
        assertEquals(ModelFile.load(threads).layout(), ModelFile.load(processes).layout());
        String predict = "predict --data csv:" + data + " --model ";
        String expected = succeed(predict + threads).out();
        assertEquals(
                expected,
                succeed(predict + processes + " --ranks 2 --comm aeron --output /dev/stdout")
                        .out());
        Result refused = MainTest.run(train + " --comm aeron --save /dev/stdout");
        assertTrue(refused.err().contains("--save /dev/stdout is another stream for ranks"), refused.err());
    }

    @Test
    void ranksThatHaveReadOtherDataAllEnd() throws Exception {
        DataOptions options = new DataOptions(
                new DataSource(DataSource.Kind.CSV, Path.of("a.csv")), TableOptions.INFERRED, List.of());
        List<String> messages = LocalRanks.run(2, Duration.ofSeconds(60), group -> assertThrows(
                        UsageException.class, () -> options.requireSame(group, group.rank()))
                .getMessage());
        String expected = "rank 1 has read other data than rank 0 from a.csv: the files on their hosts differ";
        assertEquals(List.of(expected, expected), messages);
    }

    @Test
    void aModelThatAnotherProgramHasSavedIsSaidToBeOne() throws IOException {
        Path data = colours();
        Path model = folder.resolve("model.zip");
        succeed("train " + SMALL + " --steps 2 --label colour --data csv:" + data + " --save " + model);
        MultiLayerNetwork network = ModelSerializer.restoreMultiLayerNetwork(model.toFile(), false);
        ModelSerializer.writeModel(network, model.toFile(), false);
        Path rows = Files.writeString(folder.resolve("rows.csv"), "1,2,0\n3,4,1\n");
        Result predicted = succeed("predict --model " + model + " --data csv:" + rows);
        assertTrue(predicted.err().contains("does not say what data it was trained on"), predicted.err());
        assertTrue(predicted.out().startsWith("output_0,output_1,class\n"), predicted.out());
    }

    @Test
    void lettersAreNamed() throws IOException {
        Path letters =
                Path.of(System.getProperty("repository.root"), "../shared/data/letters/letter-recognition.csv.gz");
        Assumptions.assumeTrue(Files.exists(letters), "no letters at " + letters);
        Path model = folder.resolve("letters.zip");
        Path output = folder.resolve("letters.csv");
        Result trained = succeed(
                "train --width 64 --layers 1 --shards 2 --ranks 1 --epochs 2 --learning-rate 0.01 --label lettr --data csv:"
                        + letters + " --save " + model);
        assertTrue(trained.out().contains("26 classes in column lettr"), trained.out());
        Matcher accuracy = Pattern.compile("test accuracy +([0-9.]+)").matcher(trained.out());
        assertTrue(accuracy.find() && Double.parseDouble(accuracy.group(1)) > 70, trained.out());
        succeed("predict --batch 1000 --model " + model + " --data csv:" + letters + " --output " + output);
        try (Stream<String> lines = Files.lines(output)) {
            String named = lines.skip(1)
                    .map(line -> line.substring(line.lastIndexOf(',') + 1))
                    .distinct()
                    .sorted()
                    .collect(Collectors.joining());
            assertEquals(
                    IntStream.rangeClosed('A', 'Z')
                            .mapToObj(Character::toString)
                            .collect(Collectors.joining()),
                    named);
        }
    }

    @Test
    void aModelThatCannotBeSavedIsSavedElsewhere() throws IOException {
        Path full = Path.of("/dev/full");
        Assumptions.assumeTrue(Files.exists(full), "no /dev/full");
        Result result = MainTest.run("train " + SMALL + " --steps 3 --save " + full);
        assertEquals(1, result.status());
        Matcher place = Pattern.compile("cannot write /dev/full: .*; the model is in (\\S+) instead")
                .matcher(result.err());
        assertTrue(place.find(), result.err());
        Path model = Path.of(place.group(1));
        try {
            assertTrue(ModelFile.load(model).layout().inputs() == 16);
            assertTrue(result.out().contains("test loss"), "what was learnt is told all the same: " + result.out());
        } finally {
            Files.delete(model);
        }
    }

    @Test
    void whatFailsAfterTheStepsDoesNotLoseTheModel() throws IOException {
        // a test sample that is so far off that its squared error is no float
        int[] order = ShuffledRows.order(50, 1);
        List<String> rows = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            rows.add((i == order[49] ? "1e30" : i % 7 + "." + i) + "," + i % 5 + "," + i / 3.0);
        }
        Path data = Files.write(folder.resolve("far.csv"), rows);
        Path model = folder.resolve("model.zip");
        Result result = MainTest.run("train " + SMALL + " --steps 3 --data csv:" + data + " --save " + model);
        assertEquals(1, result.status(), result.out());
        assertTrue(result.err().contains("the test loss is"), result.err());
        assertTrue(result.err().contains("ended after step 3 of 3: the model is saved in " + model), result.err());
        assertEquals(2, ModelFile.load(model).inputs());

        Path full = Path.of("/dev/full");
        Assumptions.assumeTrue(Files.exists(full), "no /dev/full");
        Files.delete(model);
        Result unreported = MainTest.run("train " + SMALL + " --steps 3 --json " + full + " --save " + model);
        assertEquals(1, unreported.status());
        assertTrue(unreported.err().contains("cannot write /dev/full"), unreported.err());
        assertEquals(16, ModelFile.load(model).inputs());
    }

    @Test
    void anInterruptedTrainingSaysWhatIsThere() throws Exception {
        Path model = Files.writeString(folder.resolve("model.zip"), "before");
        List<String> words = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-opens",
                "java.base/sun.nio.ch=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName()));
        words.addAll(List.of(("train " + SMALL + " --steps 10000000 --save " + model).split(" ")));
        Process process = new ProcessBuilder(words).redirectErrorStream(true).start();
        StringBuilder text = new StringBuilder();
        try (BufferedReader reader = process.inputReader(StandardCharsets.UTF_8)) {
            boolean asked = false;
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                text.append(line).append('\n');
                if (line.contains("steps of 32 samples") && !asked) {
                    asked = true;
                    // not Process.destroy, which closes what is read here
                    process.toHandle().destroy();
                }
            }
        } finally {
            process.destroyForcibly();
        }
        process.waitFor();
        assertTrue(
                text.toString()
                        .matches("(?s).*phantom: interrupted after step \\d+ of 10000000: the model is not saved, "
                                + Pattern.quote(model.toString()) + " is as it was before.*"),
                text.toString());
        assertEquals("before", Files.readString(model));
    }
}
