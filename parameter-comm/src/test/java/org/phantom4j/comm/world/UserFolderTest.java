package org.phantom4j.comm.world;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UserFolderTest {

    @TempDir
    Path parent;

    private static String mode(Path folder) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(folder));
    }

    @Test
    void onlyItsUserMayEnter() throws IOException {
        Path folder = UserFolder.open(parent, "phantom4j-me");
        assertEquals("rwx------", mode(folder));
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xrwx"));
        assertEquals(folder, UserFolder.open(parent, "phantom4j-me"));
        assertEquals("rwx------", mode(folder));
    }

    @Test
    void whatIsNotTheUsersOwnIsRefused() throws IOException {
        Path folder = UserFolder.open(parent, "phantom4j-me");
        int me = UserFolder.user();
        UserFolder.requireOwn(folder, me);
        IOException other = assertThrows(IOException.class, () -> UserFolder.requireOwn(folder, me + 1));
        assertTrue(
                other.getMessage().contains("belongs to user " + me + ", and this process runs as user " + (me + 1)),
                other.getMessage());
        // a link to a place where others can read
        Files.createSymbolicLink(parent.resolve("phantom4j-link"), folder);
        IOException link = assertThrows(IOException.class, () -> UserFolder.open(parent, "phantom4j-link"));
        assertTrue(link.getMessage().contains("no folder"), link.getMessage());
        Files.createFile(parent.resolve("phantom4j-file"));
        assertThrows(IOException.class, () -> UserFolder.open(parent, "phantom4j-file"));
    }

    @Test
    void usersWithoutANameHaveTheirNumber() {
        assertEquals("phantom4j-ann", UserFolder.name("ann", 1000));
        assertEquals("phantom4j-1000", UserFolder.name("?", 1000));
        assertEquals("phantom4j-1000", UserFolder.name("", 1000));
        assertEquals("phantom4j-1000", UserFolder.name(null, 1000));
        assertEquals("phantom4j-HPC_ann@site", UserFolder.name("HPC\\ann@site", 1000));
        assertEquals("phantom4j-.._ann", UserFolder.name("../ann", 1000));
    }
}
