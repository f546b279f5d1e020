package org.phantom4j.comm.nccl;

import java.nio.file.Files;
import java.nio.file.Path;

/** Where NCCL's own messages go. */
final class NcclOutput {

    /** The environment variable by which NCCL knows. */
    static final String VARIABLE = "NCCL_DEBUG_FILE";

    static final String STANDARD_ERROR = "/dev/stderr";

    private NcclOutput() {}

    /**
     * Standard error; but where that is a file, which NCCL would empty first, one of its own, whose name NCCL completes with host
     * and process.
     *
     * @param error what standard error is
     * @param folder for temporary files
     */
    static String file(Path error, Path folder) {
        return Files.isRegularFile(error)
                ? folder.resolve("phantom4j-nccl.%h.%p").toString()
                : STANDARD_ERROR;
    }
}
