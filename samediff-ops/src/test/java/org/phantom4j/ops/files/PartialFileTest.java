package org.phantom4j.ops.files;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PartialFileTest {

    @TempDir
    private Path folder;

    private List<Path> files() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.sorted().toList();
        }
    }

    @Test
    void appearsWhenItIsComplete() throws IOException {
        Path target = Files.writeString(folder.resolve("target"), "before");
        PartialFile.write(target, partial -> {
            Files.writeString(partial, "after");
            assertEquals("before", Files.readString(target));
        });
        assertEquals("after", Files.readString(target));
        assertEquals(List.of(target), files());
    }

    @Test
    void isGoneIfItIsNotMoved() throws IOException {
        try (PartialFile partial = PartialFile.in(folder, "name")) {
            assertTrue(Files.isRegularFile(partial.path()));
            assertTrue(partial.path().getFileName().toString().startsWith(".name."));
        }
        assertThrows(
                IOException.class,
                () -> PartialFile.write(folder.resolve("target"), partial -> {
                    throw new IOException("no more");
                }));
        assertEquals(List.of(), files());
        assertThrows(IOException.class, () -> PartialFile.in(folder.resolve("missing"), "name"));
    }

    @Test
    void hasThePermissionsOfAnyNewFile() throws IOException {
        Path other = Files.createFile(folder.resolve("other"));
        Path target = folder.resolve("target");
        PartialFile.write(target, partial -> Files.writeString(partial, "text"));
        assertEquals(Files.getPosixFilePermissions(other), Files.getPosixFilePermissions(target));
    }
}
