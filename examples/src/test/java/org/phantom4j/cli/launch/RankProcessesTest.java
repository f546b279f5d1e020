package org.phantom4j.cli.launch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.util.ModelSerializer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.shade.jackson.databind.JsonNode;
import org.nd4j.shade.jackson.databind.ObjectMapper;
import org.phantom4j.cli.Main;
import org.phantom4j.cli.MainTest;
import org.phantom4j.comm.world.RankProcesses;
import org.phantom4j.comm.world.Secret;
import org.phantom4j.comm.world.World;

/** Commands whose ranks are processes. */
@Tag("system")
@Timeout(900)
class RankProcessesTest {

    private static final Path GOLDEN = Path.of(System.getProperty("repository.root"), "../shared/golden");
    private static final String SMALL =
            "--width 32 --layers 2 --shards 4 --phantom-width 2 --batch 64 --precision fp64";

    private static final long END_SECONDS = 300;

    @TempDir
    private Path folder;

    private final List<Process> started = new ArrayList<>();

    @AfterEach
    void nothingIsLeft() throws IOException {
        started.forEach(process -> {
            List<ProcessHandle> ranks = process.descendants().toList();
            process.destroyForcibly().onExit().join();
            ranks.forEach(ProcessHandle::destroyForcibly);
            ranks.forEach(rank -> rank.onExit().join());
        });
        Path shared = Path.of("/dev/shm", "phantom4j-" + folder.getFileName());
        if (Files.isDirectory(shared)) {
            try (Stream<Path> left = Files.list(shared)) {
                assertEquals(List.of(), left.toList());
            }
            Files.delete(shared);
        }
    }

    private JsonNode train(String options, String name) throws IOException {
        Path json = folder.resolve(name + ".json");
        MainTest.Result result = MainTest.run("train " + SMALL + " --steps 12 " + options + " --save "
                + folder.resolve(name + ".zip") + " --json " + json);
        assertEquals(0, result.status(), result.err());
        assertTrue(result.out().contains("final loss"), result.out());
        return new ObjectMapper().readTree(json.toFile());
    }

    private MultiLayerNetwork model(String name) throws IOException {
        return ModelSerializer.restoreMultiLayerNetwork(
                folder.resolve(name + ".zip").toFile(), false);
    }

    @Test
    void trainsBitForBitAsThreadsDo() throws IOException {
        JsonNode local = train("--ranks 2", "local");
        JsonNode aeron = train("--ranks 2 --comm aeron", "aeron");
        assertEquals(model("local").params(), model("aeron").params());
        assertEquals("local", local.get("comm").asText());
        assertEquals("aeron", aeron.get("comm").asText());
        for (String same : new String[] {"ranks", "parametersByRank", "multiplyAdds", "bytesSent"}) {
            assertEquals(local.get(same), aeron.get(same), same);
        }
        assertEquals(local.get("finalLoss").asDouble(), aeron.get("finalLoss").asDouble(), 1e-12);
        assertEquals(local.get("testLoss").asDouble(), aeron.get("testLoss").asDouble(), 1e-12);

        String predict = "predict --data synthetic --model " + folder.resolve("aeron.zip");
        MainTest.Result expected = MainTest.run(predict);
        MainTest.Result predicted = MainTest.run(predict + " --ranks 2 --comm aeron");
        assertEquals(0, predicted.status(), predicted.err());
        assertEquals(expected.out(), predicted.out());
    }

    @Test
    void trainsReplicasAsOneProcessDoes() throws IOException {
        JsonNode one = train("--ranks 1", "one");
        JsonNode local = train("--ranks 4 --data-parallel 2", "local");
        JsonNode aeron = train("--ranks 4 --data-parallel 2 --comm aeron", "aeron");
        assertEquals(model("local").params(), model("aeron").params());
        assertTrue(model("one").params().equalsWithEps(model("local").params(), 1e-9));
        assertEquals(one.get("finalLoss").asDouble(), aeron.get("finalLoss").asDouble(), 1e-9);
        assertEquals(one.get("testLoss").asDouble(), aeron.get("testLoss").asDouble(), 1e-9);
        assertEquals(one.get("multiplyAdds"), aeron.get("multiplyAdds"));
        assertEquals(local.get("bytesSent"), aeron.get("bytesSent"));
        assertEquals(2, aeron.get("dataParallel").asInt());
        assertEquals(4, aeron.get("parametersByRank").size());
    }

    @Test
    void comparesWhatItsFormulasSay() throws IOException {
        Path json = folder.resolve("compare.json");
        MainTest.Result result =
                MainTest.run("compare " + SMALL + " --ranks 2 --steps 3 --repeats 1 --comm aeron --json " + json
                        + " --chart " + folder.resolve("compare.png"));
        assertEquals(0, result.status(), result.err());
        JsonNode results = new ObjectMapper().readTree(json.toFile());
        assertEquals("aeron", results.get("comm").asText());
        assertEquals(
                results.get("phantom").get("bytesSent"), results.get("phantom").get("bytesSentCounted"));
    }

    @ParameterizedTest
    @CsvSource({"3, 4", "8, 3"})
    void verifies(int ranks, int cases) {
        Assumptions.assumeTrue(Files.isDirectory(GOLDEN), "no golden values at " + GOLDEN);
        MainTest.Result result =
                MainTest.run("verify --golden " + GOLDEN + " --comm aeron --timeout 600 --ranks " + ranks);
        assertEquals(0, result.status(), result.out() + result.err());
        assertTrue(result.out().endsWith(cases + " passed, 0 failed" + System.lineSeparator()), result.out());
    }

    @Test
    void whatCannotBeUsedIsSaidBeforeRanksStart() {
        MainTest.Result result = MainTest.run("train --comm aeron --save /nowhere/model.zip");
        assertEquals(2, result.status());
        assertEquals(1, result.err().lines().count(), result.err());
        assertTrue(result.err().contains("expected a file in an existing folder"), result.err());
    }

    @Test
    void anErrorOfARankIsTheErrorOfAll() {
        MainTest.Result result = MainTest.run("train --comm aeron --ranks 2 --data csv:/nowhere.csv");
        assertEquals(2, result.status(), result.err());
        String last = result.err().lines().reduce((a, b) -> b).orElseThrow();
        assertTrue(
                last.matches("rank \\d failed first, with status 2: .*cannot read the CSV file /nowhere.csv.*"), last);
        assertEquals(
                1,
                result.err()
                        .lines()
                        .filter(line -> line.contains("nowhere.csv"))
                        .count(),
                result.err());
    }

    private Process start(Map<String, String> environment, String name, String... words) throws IOException {
        List<String> command = new ArrayList<>(RankProcesses.javaCommand(Main.class.getName(), List.of(words)));
        // of its own: what it leaves in shared memory can be told from what others leave
        command.add(1, "-Duser.name=" + folder.getFileName());
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().putAll(environment);
        builder.redirectErrorStream(true).redirectOutput(log(name));
        Process process = builder.start();
        started.add(process);
        return process;
    }

    private File log(String name) {
        return folder.resolve(name + ".log").toFile();
    }

    private String output(String name) throws IOException {
        return Files.readString(log(name).toPath(), StandardCharsets.UTF_8);
    }

    private static Map<String, String> rank(int rank, int size, int port) {
        return Map.of(
                World.RANK, Integer.toString(rank),
                World.WORLD_SIZE, Integer.toString(size),
                World.MASTER_ADDR, "127.0.0.1",
                World.MASTER_PORT, Integer.toString(port),
                Secret.VARIABLE, "a secret of this test alone");
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    @Test
    void ranksOfALauncherJoinAndMustHaveTheSameOptions() throws Exception {
        int port = freePort();
        String[] words = ("train " + SMALL + " --steps 2 --comm aeron --timeout 600").split(" ");
        String[] others = ("train " + SMALL + " --steps 2 --comm aeron --timeout 600 --seed 7").split(" ");
        Process zero = start(rank(0, 2, port), "zero", words);
        Process refused = start(rank(1, 2, port), "refused", others);
        assertTrue(refused.waitFor(END_SECONDS, TimeUnit.SECONDS), output("refused"));
        assertEquals(1, refused.exitValue());
        assertTrue(
                output("refused").contains("was started for '--seed 7' but rank 0 for '--seed 1'"), output("refused"));
        Process one = start(rank(1, 2, port), "one", words);
        assertTrue(one.waitFor(END_SECONDS, TimeUnit.SECONDS), output("one"));
        assertTrue(zero.waitFor(END_SECONDS, TimeUnit.SECONDS), output("zero"));
        assertEquals(0, one.exitValue(), output("one"));
        assertEquals(0, zero.exitValue(), output("zero"));
        assertTrue(output("zero").contains("final loss"), output("zero"));
        assertFalse(output("one").contains("final loss"), output("one"));
    }

    @Test
    void theNumberOfRanksIsTheLaunchers() throws Exception {
        Process process = start(rank(0, 2, freePort()), "more", "train", "--comm", "aeron", "--ranks", "4");
        assertTrue(process.waitFor(END_SECONDS, TimeUnit.SECONDS), output("more"));
        assertEquals(2, process.exitValue());
        assertTrue(output("more").contains("--ranks 4 but the launcher has started 2 ranks"), output("more"));
    }

    private Process startLongTraining() throws Exception {
        Process launcher = start(
                Map.of(),
                "train",
                ("train " + SMALL + " --steps 100000000 --comm aeron --timeout 3600 --ranks 4").split(" "));
        // the first line of rank 0 comes when all have joined
        long beganNs = System.nanoTime();
        while (!output("train").contains("phantom network")) {
            assertTrue(launcher.isAlive(), output("train"));
            assertTrue(System.nanoTime() - beganNs < TimeUnit.SECONDS.toNanos(END_SECONDS), output("train"));
            Thread.sleep(50);
        }
        Thread.sleep(1000);
        return launcher;
    }

    @Test
    void aKilledRankEndsTheCommand() throws Exception {
        Process launcher = startLongTraining();
        List<ProcessHandle> ranks = launcher.children().toList();
        assertEquals(4, ranks.size());
        ranks.get(1).destroyForcibly();
        assertTrue(launcher.waitFor(END_SECONDS, TimeUnit.SECONDS), output("train"));
        assertEquals(128 + 9, launcher.exitValue(), output("train"));
        String last = output("train").lines().reduce((a, b) -> b).orElseThrow();
        assertTrue(
                last.matches(
                        "rank \\d failed first, with status 137 \\(signal 9\\): "
                                + "phantom: rank \\d \\(host .*, process \\d+\\) died .* "
                                + "\\[rank \\d was (in .* \\(collective number \\d+\\)|about to start collective number \\d+)\\]"),
                last);
        ranks.forEach(rank -> rank.onExit().join());
    }

    @Test
    void whoEndsTheLauncherEndsTheRanks() throws Exception {
        Process launcher = startLongTraining();
        List<ProcessHandle> ranks = launcher.children().toList();
        launcher.destroy();
        assertTrue(launcher.waitFor(END_SECONDS, TimeUnit.SECONDS), output("train"));
        assertEquals(128 + 15, launcher.exitValue());
        ranks.forEach(rank -> rank.onExit().join());
    }
}
