package org.phantom4j.comm.aeron;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.agrona.IoUtil;
import org.phantom4j.comm.world.Secret;
import org.phantom4j.comm.world.World;

/** The processes of a job of {@link RankMain}s, whose output is in files. Ends them when closed. */
final class ProcessJob implements AutoCloseable {

    private static final long JOIN_SECONDS = 300;

    /** Far more than what the ranks wait for by design, and far less than a deadline that is not to pass. */
    private static final long END_SECONDS = 120;

    private final Path directory;
    private final String master;
    private final String secret = Secret.random();
    private final int port;
    private final List<Process> processes = new ArrayList<>();

    /** A job whose rank 0 is at {@code master}, on a port that is free there. */
    ProcessJob(Path directory, String master, int port) {
        this.directory = directory;
        this.master = master;
        this.port = port;
    }

    /**
     * Starts the next rank.
     *
     * @param ranks of the whole job
     * @param before what comes before the command: for a network of its own
     * @param arguments of {@link RankMain}
     */
    void start(int ranks, List<String> before, String... arguments) throws IOException {
        int rank = processes.size();
        List<String> command = new ArrayList<>(before);
        List<String> java = RankMain.command(arguments);
        // of its own: what these ranks leave in shared memory can be told from what others do
        java.add(1, "-Duser.name=" + directory.getFileName());
        command.addAll(java);
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().put(World.RANK, Integer.toString(rank));
        builder.environment().put(World.WORLD_SIZE, Integer.toString(ranks));
        builder.environment().put(World.MASTER_ADDR, master);
        builder.environment().put(World.MASTER_PORT, Integer.toString(port));
        builder.environment().put(Secret.VARIABLE, secret);
        builder.environment().put("OMP_NUM_THREADS", "1");
        // where the tests are ended in the middle
        builder.environment()
                .put("PHANTOM_LAUNCHER", Long.toString(ProcessHandle.current().pid()));
        builder.redirectErrorStream(true).redirectOutput(log(rank).toFile());
        processes.add(builder.start());
    }

    /** Where the media drivers of these ranks are. */
    Path drivers() {
        return Path.of(Files.isWritable(Path.of("/dev/shm")) ? "/dev/shm" : System.getProperty("java.io.tmpdir"))
                .resolve("phantom4j-" + directory.getFileName());
    }

    Process process(int rank) {
        return processes.get(rank);
    }

    private Path log(int rank) {
        return directory.resolve("rank" + rank + "-" + port + ".log");
    }

    String output(int rank) throws IOException {
        return Files.readString(log(rank), StandardCharsets.UTF_8);
    }

    void awaitJoined() throws Exception {
        long beganNs = System.nanoTime();
        for (int rank = 0; rank < processes.size(); rank++) {
            while (!output(rank).contains("joined")) {
                assertTrue(process(rank).isAlive(), "ended: " + output(rank));
                assertTrue(
                        System.nanoTime() - beganNs < TimeUnit.SECONDS.toNanos(JOIN_SECONDS),
                        "not joined: " + output(rank));
                Thread.sleep(20);
            }
        }
    }

    void signal(int rank, String name) throws Exception {
        String pid = Long.toString(process(rank).pid());
        assertEquals(0, new ProcessBuilder("kill", "-" + name, pid).start().waitFor());
    }

    void assertAllAlive() throws IOException {
        for (int rank = 0; rank < processes.size(); rank++) {
            assertTrue(process(rank).isAlive(), output(rank));
        }
    }

    /** Every rank but {@code victim} ends by itself, and says {@code what}. */
    void assertSurvivorsFail(int victim, String what) throws Exception {
        for (int rank = 0; rank < processes.size(); rank++) {
            if (rank != victim) {
                assertFails(rank, "rank " + victim + " (host ", what, "collective number");
            }
        }
    }

    /** A rank ends by itself with status 1, and has said all this. */
    void assertFails(int rank, String... messages) throws Exception {
        assertTrue(
                process(rank).waitFor(END_SECONDS, TimeUnit.SECONDS), "rank " + rank + " still runs: " + output(rank));
        assertEquals(1, process(rank).exitValue(), output(rank));
        for (String message : messages) {
            assertTrue(output(rank).contains(message), output(rank));
        }
    }

    @Override
    public void close() {
        processes.forEach(Process::destroyForcibly);
        processes.forEach(process -> process.onExit().join());
        IoUtil.delete(drivers().toFile(), true);
    }
}
