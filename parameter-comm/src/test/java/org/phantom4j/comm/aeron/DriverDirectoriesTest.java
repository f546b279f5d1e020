package org.phantom4j.comm.aeron;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.phantom4j.comm.world.RankProcesses;

class DriverDirectoriesTest {

    private static final int PROCESSES = 4;
    private static final int CLAIMS = 2_000;

    @TempDir
    Path base;

    @Test
    void whatNobodyHoldsIsDeletedAndWhatThisProcessHoldsIsKept() throws IOException {
        Path dead = Files.createDirectory(base.resolve("driver-dead"));
        Files.writeString(dead.resolve("cnc.dat"), "left over");
        Path deadLock = Files.createFile(base.resolve("driver-dead.lock"));
        try (DriverDirectories.Claim first = DriverDirectories.claim(base)) {
            assertFalse(Files.exists(dead));
            assertFalse(Files.exists(deadLock));
            Files.createDirectory(first.directory);
            try (DriverDirectories.Claim second = DriverDirectories.claim(base)) {
                assertFalse(Files.exists(second.directory), "for the driver to make");
                assertTrue(Files.exists(first.directory), "deleted under its holder");
            }
        }
        try (Stream<Path> left = Files.list(base)) {
            assertEquals(List.of(), left.toList());
        }
    }

    /** Between the making of a lock's file and its locking, others may take it for a dead job's. */
    @Test
    @Tag("system")
    void processesThatStartTogetherAllGetTheirs() throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
        List<String> command = RankProcesses.javaCommand(Claimer.class.getName(), List.of(base.toString()));
        assertEquals(
                0, RankProcesses.run(command, PROCESSES, Map.of(), out, out), bytes.toString(StandardCharsets.UTF_8));
        try (Stream<Path> left = Files.list(base)) {
            assertEquals(List.of(), left.toList());
        }
    }

    /** Claims and gives back, as fast as it can. */
    static final class Claimer {

        private Claimer() {}

        public static void main(String[] args) throws IOException {
            for (int i = 0; i < CLAIMS; i++) {
                try (DriverDirectories.Claim claim = DriverDirectories.claim(Path.of(args[0]))) {
                    Path file = Files.createDirectory(claim.directory).resolve("cnc.dat");
                    Files.writeString(file, "mine");
                    Thread.onSpinWait();
                    if (!Files.readString(file).equals("mine")) {
                        throw new IOException("another process deleted " + file);
                    }
                }
            }
        }
    }
}
