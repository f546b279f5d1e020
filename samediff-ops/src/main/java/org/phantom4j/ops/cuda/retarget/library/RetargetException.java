package org.phantom4j.ops.cuda.retarget.library;

import java.io.IOException;

/** A library that cannot be translated, or not here; the message says why and what to do. */
public final class RetargetException extends IOException {
    private static final long serialVersionUID = 1L;

    /** Makes one with a message for the user. */
    public RetargetException(String message) {
        super(message);
    }
}
