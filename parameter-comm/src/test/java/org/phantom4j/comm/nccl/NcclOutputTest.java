package org.phantom4j.comm.nccl;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NcclOutputTest {

    @TempDir
    Path folder;

    @Test
    void messagesGoToStandardErrorUnlessTheyWouldEmptyIt() throws IOException {
        assertEquals("/dev/stderr", NcclOutput.file(Path.of("/dev/null"), folder));
        assertEquals("/dev/stderr", NcclOutput.file(folder.resolve("closed"), folder));
        Path log = Files.createFile(folder.resolve("job.err"));
        Path link = Files.createSymbolicLink(folder.resolve("2"), log);
        assertEquals(folder + "/phantom4j-nccl.%h.%p", NcclOutput.file(link, folder));
    }
}
