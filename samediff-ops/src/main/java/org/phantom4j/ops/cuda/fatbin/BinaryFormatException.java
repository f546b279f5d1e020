package org.phantom4j.ops.cuda.fatbin;

import java.io.IOException;

/** A file that is truncated, foreign or damaged; the message says where and why. */
public final class BinaryFormatException extends IOException {
    private static final long serialVersionUID = 1L;

    private final long offset;

    BinaryFormatException(long offset, String message) {
        super(String.format("at offset 0x%x: %s", offset, message));
        this.offset = offset;
    }

    /** {@return the offset in the file, in bytes, of what is wrong} */
    public long offset() {
        return offset;
    }
}
