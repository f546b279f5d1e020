package org.phantom4j.cli.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Files that options name: regular ones, links, pipes and devices. */
class OutputFileTest {

    @TempDir
    private Path folder;

    private static void write(Path target, String text) throws IOException {
        OutputFile.write(target, partial -> Files.writeString(partial, text));
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.sorted().toList();
        }
    }

    @Test
    void aNewFileHasThePermissionsOfAnyNewFile() throws IOException {
        Path other = Files.createFile(folder.resolve("other"));
        Path target = folder.resolve("target");
        write(target, "text");
        assertEquals("text", Files.readString(target));
        assertEquals(Files.getPosixFilePermissions(other), Files.getPosixFilePermissions(target));
        assertEquals(List.of(other, target), files(), "nothing is left beside it");
    }

    @Test
    void aFileThatIsReplacedKeepsItsPermissions() throws IOException {
        Path target = Files.writeString(folder.resolve("target"), "before");
        Files.setPosixFilePermissions(target, PosixFilePermissions.fromString("rw-rw-rw-"));
        write(target, "after");
        assertEquals("after", Files.readString(target));
        assertEquals("rw-rw-rw-", PosixFilePermissions.toString(Files.getPosixFilePermissions(target)));
    }

    @Test
    void whatFailsLeavesWhatWasThere() throws IOException {
        Path target = Files.writeString(folder.resolve("target"), "before");
        IOException failure = assertThrows(
                IOException.class,
                () -> OutputFile.write(target, partial -> {
                    Files.writeString(partial, "half");
                    throw new IllegalStateException("no more");
                }));
        assertEquals("cannot write " + target + ": no more", failure.getMessage());
        assertEquals("before", Files.readString(target));
        assertEquals(List.of(target), files());
    }

    @Test
    void aLinkStaysAndItsFileIsReplaced() throws IOException {
        Path elsewhere = Files.createDirectory(folder.resolve("elsewhere"));
        Path file = Files.writeString(elsewhere.resolve("file"), "before");
        Path link = Files.createSymbolicLink(folder.resolve("link"), Path.of("elsewhere/file"));
        Path chain = Files.createSymbolicLink(folder.resolve("chain"), link);
        write(chain, "after");
        assertTrue(Files.isSymbolicLink(link) && Files.isSymbolicLink(chain));
        assertEquals("after", Files.readString(file));
        // a link to a file that is yet to be
        Path dangling = Files.createSymbolicLink(folder.resolve("dangling"), Path.of("elsewhere/new"));
        write(dangling, "new");
        assertTrue(Files.isSymbolicLink(dangling));
        assertEquals("new", Files.readString(elsewhere.resolve("new")));
        Path circle = folder.resolve("circle");
        Files.createSymbolicLink(circle, circle);
        assertThrows(UsageException.class, () -> OutputFile.writable("save", circle.toString()));
        Path nowhere = Files.createSymbolicLink(folder.resolve("nowhere"), Path.of("missing/new"));
        assertThrows(UsageException.class, () -> OutputFile.writable("save", nowhere.toString()));
    }

    @Test
    void aPipeIsWrittenThrough() throws Exception {
        Path pipe = folder.resolve("pipe");
        Process process;
        try {
            process = new ProcessBuilder("mkfifo", pipe.toString()).start();
        } catch (IOException e) {
            Assumptions.abort("no mkfifo here");
            throw e;
        }
        assertEquals(0, process.waitFor());
        FutureTask<String> reader = new FutureTask<>(() -> Files.readString(pipe));
        Thread thread = new Thread(reader);
        thread.setDaemon(true);
        thread.start();
        assertEquals(pipe, OutputFile.writable("output", pipe.toString()));
        String text = "text\n".repeat(50_000);
        write(pipe, text);
        assertEquals(text, reader.get());
        assertFalse(Files.isRegularFile(pipe));
    }

    @Test
    void devicesAreWrittenThrough() throws IOException {
        Path full = Path.of("/dev/full");
        Assumptions.assumeTrue(Files.exists(full), "no /dev/full");
        assertEquals(full, OutputFile.writable("save", full.toString()));
        IOException failure = assertThrows(IOException.class, () -> write(full, "text"));
        assertTrue(failure.getMessage().startsWith("cannot write /dev/full: No space left"), failure.getMessage());
        write(Path.of("/dev/null"), "text");
        assertFalse(Files.isRegularFile(full));
        assertFalse(Files.isRegularFile(Path.of("/dev/null")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "link"})
    void standardOutputIsThisProcesss(String name) throws IOException {
        Assumptions.assumeTrue(Files.exists(Path.of("/proc/self/fd/1")), "no /proc");
        Path target = Path.of(name);
        if (name.equals("link")) {
            target = Files.createSymbolicLink(folder.resolve(name), Path.of("/dev/stdout"));
        }
        PrintStream before = System.out;
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        System.setOut(new PrintStream(bytes, false, StandardCharsets.UTF_8));
        try {
            write(target, "text");
        } finally {
            System.setOut(before);
        }
        assertEquals("text", bytes.toString(StandardCharsets.UTF_8));
    }

    @Test
    void whatCannotBeWrittenIsRefusedBefore() throws IOException {
        for (String name :
                List.of(folder.toString(), folder.resolve("missing/file").toString())) {
            String message = assertThrows(UsageException.class, () -> OutputFile.writable("json", name))
                    .getMessage();
            assertTrue(message.startsWith("--json " + name + ": "), message);
        }
        assertEquals(
                Path.of(System.getProperty("user.home"), "phantom-no-such-file"),
                OutputFile.writable("json", "~/phantom-no-such-file"));
        Path longest = folder.resolve("n".repeat(255));
        write(longest, "text");
        assertEquals("text", Files.readString(longest));
    }
}
