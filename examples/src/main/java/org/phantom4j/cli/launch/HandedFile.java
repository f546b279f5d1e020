package org.phantom4j.cli.launch;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.agrona.IoUtil;

/** A file by which ranks that are processes hand their results to the one that started them; gone when that is done with it. */
public final class HandedFile implements AutoCloseable {

    private final Path folder;
    private final Path file;
    private final Thread atShutdown = new Thread(this::delete, "delete-results");

    private HandedFile(Path folder, String name) {
        this.folder = folder;
        this.file = folder.resolve(name);
        // a process that is asked to end does not come to close()
        Runtime.getRuntime().addShutdownHook(atShutdown);
    }

    public static HandedFile named(String name) throws IOException {
        return new HandedFile(Files.createTempDirectory("phantom"), name);
    }

    public Path path() {
        return file;
    }

    /** With what killed ranks left beside it. Quietly: the ranks' own failure is what is to be told. */
    private void delete() {
        IoUtil.delete(folder.toFile(), true);
    }

    @Override
    public void close() {
        delete();
        try {
            Runtime.getRuntime().removeShutdownHook(atShutdown);
        } catch (IllegalStateException e) {
            // this process is being shut down: the hook runs already
            Thread.onSpinWait();
        }
    }
}
