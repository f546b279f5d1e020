package org.phantom4j.ops.cuda.fatbin;

import java.io.IOException;
import java.nio.file.Path;

/** A file that is truncated, foreign or damaged; the message says where and why. */
public final class BinaryFormatException extends IOException {
    private static final long serialVersionUID = 1L;

    private final long offset;

    BinaryFormatException(long offset, String message) {
        super(String.format("at offset 0x%x: %s", offset, message));
        this.offset = offset;
    }

    private BinaryFormatException(String message, BinaryFormatException cause) {
        super(message, cause);
        this.offset = cause.offset;
    }

    /** {@return the same error, whose message names the file too} */
    public BinaryFormatException in(Path file) {
        return new BinaryFormatException(file + " " + getMessage(), this);
    }

    /** {@return the offset in the file, in bytes, of what is wrong} */
    public long offset() {
        return offset;
    }
}
