package org.phantom4j.comm.world;

import com.sun.jna.NativeLibrary;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/**
 * The folder of this user's jobs on this machine: phantom4j-USER in shared memory, or where there is none among temporary files.
 * What ranks compute lies in it as files, so only the user may enter it.
 */
public final class UserFolder {

    private static final Set<PosixFilePermission> MODE = PosixFilePermissions.fromString("rwx------");
    private static final Path MEMORY = Path.of("/dev/shm");

    private UserFolder() {}

    /** Makes the folder if it is not there. */
    public static Path open() throws IOException {
        return open(parent(), name());
    }

    /** Where the folder is: shared memory where there is some. */
    static Path parent() {
        return Files.isWritable(MEMORY) ? MEMORY : Path.of(System.getProperty("java.io.tmpdir"));
    }

    /**
     * Makes a folder that only this user may enter, or takes the one that is there.
     *
     * @throws IOException if what is there is another user's, or no folder; the message says what to do
     */
    static Path open(Path parent, String name) throws IOException {
        Path folder = parent.resolve(name);
        try {
            Files.createDirectory(folder, PosixFilePermissions.asFileAttribute(MODE));
        } catch (FileAlreadyExistsException e) {
            requireOwn(folder, user());
        }
        // the mask of a process can take permissions away, and whoever made it can have given more
        if (!Files.getPosixFilePermissions(folder, LinkOption.NOFOLLOW_LINKS).equals(MODE)) {
            Files.setPosixFilePermissions(folder, MODE);
        }
        return folder;
    }

    /** Refuses a folder that is not this user's: who owns it could read and change what is in it. */
    static void requireOwn(Path folder, int user) throws IOException {
        if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
            throw refused(folder, "is there and no folder");
        }
        int owner = (Integer) Files.getAttribute(folder, "unix:uid", LinkOption.NOFOLLOW_LINKS);
        if (owner != user) {
            throw refused(folder, "belongs to user " + owner + ", and this process runs as user " + user);
        }
    }

    private static IOException refused(Path folder, String why) {
        return new FileSystemException(
                folder.toString(),
                null,
                why + ": what ranks compute is kept where only their user can read it; have it removed");
    }

    private static String name() {
        return name(System.getProperty("user.name"), user());
    }

    /** A user id need not have a name, as in many containers: Java calls it "?" then. */
    static String name(String user, int id) {
        boolean named = user != null && !user.isBlank() && !user.equals("?");
        return "phantom4j-" + (named ? user.replaceAll("[^\\w.@-]", "_") : Integer.toString(id));
    }

    /** This process's user id. */
    static int user() {
        return NativeLibrary.getProcess().getFunction("geteuid").invokeInt(new Object[0]);
    }
}
