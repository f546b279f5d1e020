package org.phantom4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.phantom4j.comm.cuda.CudaDevice;
import org.phantom4j.comm.cuda.DeviceMemory;
import org.phantom4j.comm.world.RankProcesses;
import org.phantom4j.comm.world.Secret;
import org.phantom4j.comm.world.World;

/**
 * Faults of a training on GPUs: a clear end within the deadline, and the GPUs' memory free afterwards. Skipped without a GPU,
 * and in part with one alone. Nobody else may use the GPUs meanwhile.
 */
class GpuFaultsTest {

    private static final int DEADLINE_S = 20;
    private static final long MIB = 1 << 20;
    private static final long LEFT = 64 * MIB;
    private static final String SMALL =
            "train --device cuda --shards 2 --width 512 --layers 2 --batch 64 --timeout " + DEADLINE_S;
    private static final String LARGE =
            "train --device cuda --shards 2 --width 8192 --layers 3 --steps 3 --timeout " + DEADLINE_S;

    private static final List<CudaDevice> DEVICES = new ArrayList<>();

    @TempDir
    private Path folder;

    private final List<Process> started = new ArrayList<>();
    private final List<Long> usedBefore = new ArrayList<>();

    @BeforeAll
    static void openDevices() {
        assumeTrue(CudaDevice.count() > 0, "there is no CUDA device here");
        for (int i = 0; i < CudaDevice.count(); i++) {
            DEVICES.add(CudaDevice.open(i));
        }
        // the first use of each library takes memory that it keeps
        assertEquals(0, MainTest.run(SMALL + " --ranks 1 --steps 2").status());
        if (DEVICES.size() > 1) {
            assertEquals(0, MainTest.run(SMALL + " --ranks 2 --steps 2").status());
        }
    }

    @AfterAll
    static void printMemory() throws Exception {
        if (DEVICES.isEmpty()) {
            return;
        }
        DEVICES.forEach(CudaDevice::close);
        DEVICES.clear();
        new ProcessBuilder("nvidia-smi", "--query-gpu=index,name,memory.used", "--format=csv,noheader")
                .inheritIO()
                .start()
                .waitFor(10, TimeUnit.SECONDS);
    }

    @BeforeEach
    void readMemory() {
        DEVICES.forEach(device -> usedBefore.add(used(device)));
    }

    @AfterEach
    void end() {
        started.forEach(Process::destroyForcibly);
    }

    private static long used(CudaDevice device) {
        return device.totalBytes() - device.freeBytes();
    }

    private static void needsTwo() {
        assumeTrue(DEVICES.size() > 1, "there is one CUDA device alone here");
    }

    /** The driver takes a moment to clean up behind a killed process. */
    private void assertMemoryIsFree() throws InterruptedException {
        for (int i = 0; i < DEVICES.size(); i++) {
            long left = used(DEVICES.get(i)) - usedBefore.get(i);
            for (int wait = 0; wait < 50 && left > LEFT; wait++) {
                Thread.sleep(100);
                left = used(DEVICES.get(i)) - usedBefore.get(i);
            }
            System.out.printf("device %d: %d MiB more in use than before%n", i, left / MIB);
            assertTrue(left <= LEFT, "device " + i + " has " + left + " bytes more in use than before");
        }
    }

    private MainTest.Result fails(String line, int status, String... parts) {
        long beganNs = System.nanoTime();
        MainTest.Result result = MainTest.run(line);
        long seconds = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - beganNs);
        String last = result.err().strip().lines().reduce((a, b) -> b).orElse("");
        System.out.printf("%s%n  status %d after %d s: %s%n", line, result.status(), seconds, last);
        assertEquals(status, result.status(), result.err());
        for (String part : parts) {
            assertTrue(last.contains(part), result.err());
        }
        return result;
    }

    @Test
    void aDeviceThatIsNotThereIsNamed() throws Exception {
        fails(SMALL.replace("cuda", "cuda:99") + " --ranks 1", 2, "--device cuda:99", "this process sees");
        fails("predict --device cuda:99 --model none.zip --data synthetic", 2, "--device cuda:99", "this process sees");
        assertMemoryIsFree();
    }

    @Test
    void moreRanksThanDevicesAreRefused() throws Exception {
        fails(SMALL.replace("shards 2", "shards 64") + " --ranks 64", 1, "64 ranks need 64 GPUs");
        assertMemoryIsFree();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void aDivergingTrainingKeepsTheGoodModel(int ranks) throws Exception {
        assumeTrue(ranks <= DEVICES.size(), "there is one CUDA device alone here");
        Path model = Files.writeString(folder.resolve("model.zip"), "a good model");
        String diverging = SMALL + " --updater sgd --learning-rate 1e30 --ranks " + ranks + " --save " + model;
        fails(diverging + " --steps 20", 1, "the training diverged", "--learning-rate");
        // the loss before the only step is a number; what comes of it is not
        fails(diverging + " --steps 1", 1, "the training diverged", "--learning-rate");
        assertEquals("a good model", Files.readString(model));
        assertMemoryIsFree();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void aDeviceWithoutRoomIsSaid(int ranks) throws Exception {
        assumeTrue(ranks <= DEVICES.size(), "there is one CUDA device alone here");
        Path model = folder.resolve("model.zip");
        CudaDevice device = DEVICES.get(0);
        device.bind();
        // of two ranks the other one has room, and must end, too
        try (DeviceMemory most = DeviceMemory.allocate(device.freeBytes() - 768 * MIB)) {
            assertTrue(device.freeBytes() < most.bytes());
            fails(
                    LARGE + " --ranks " + ranks + " --save " + model,
                    1,
                    "has no room for",
                    "are free",
                    "in all this rank needs",
                    "smaller width");
        }
        assertFalse(Files.exists(model));
        assertMemoryIsFree();
    }

    @Test
    void aKilledRankEndsTheOthers() throws Exception {
        needsTwo();
        Path model = folder.resolve("model.zip");
        String line = "train --device cuda --comm nccl --shards 2 --width 2048 --layers 2 --steps 20000 --timeout "
                + DEADLINE_S + " --save " + model;
        int port = freePort();
        Process zero = start(0, port, line);
        Process one = start(1, port, line);
        awaitSteps(zero);
        assertTrue(zero.isAlive() && one.isAlive(), output(0) + output(1));
        one.destroyForcibly();
        long beganNs = System.nanoTime();
        assertTrue(zero.waitFor(DEADLINE_S + 10, TimeUnit.SECONDS), output(0));
        long ms = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - beganNs);
        String last = output(0).strip().lines().reduce((a, b) -> b).orElse("");
        System.out.printf("rank 1 killed: rank 0 ended %d ms later, status %d: %s%n", ms, zero.exitValue(), last);
        assertEquals(1, zero.exitValue(), output(0));
        assertTrue(last.matches("phantom: rank 1 .*(died|closed|lost).*"), output(0));
        assertFalse(Files.exists(model));
        assertMemoryIsFree();
    }

    private Process start(int rank, int port, String line) throws IOException {
        ProcessBuilder builder =
                new ProcessBuilder(RankProcesses.javaCommand(Main.class.getName(), List.of(line.split(" "))));
        builder.environment().put(World.RANK, Integer.toString(rank));
        builder.environment().put(World.WORLD_SIZE, "2");
        builder.environment().put(World.LOCAL_RANK, Integer.toString(rank));
        builder.environment().put(World.MASTER_ADDR, "127.0.0.1");
        builder.environment().put(World.MASTER_PORT, Integer.toString(port));
        builder.environment().put(Secret.VARIABLE, "a secret of this test alone");
        builder.redirectErrorStream(true).redirectOutput(log(rank));
        Process process = builder.start();
        started.add(process);
        return process;
    }

    private File log(int rank) {
        return folder.resolve("rank" + rank + ".log").toFile();
    }

    private String output(int rank) throws IOException {
        return Files.readString(log(rank).toPath(), StandardCharsets.UTF_8);
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    /** Waits until a training makes steps, as rank 0's progress tells. */
    private void awaitSteps(Process process) throws Exception {
        long beganNs = System.nanoTime();
        while (!output(0).contains("step 2000 of")) {
            assertTrue(process.isAlive(), output(0));
            assertTrue(System.nanoTime() - beganNs < TimeUnit.SECONDS.toNanos(60), output(0));
            Thread.sleep(50);
        }
    }
}
