package org.phantom4j.ops.cuda.retarget;

import java.io.IOException;

/** A library that cannot be translated, or not here; the message says why and what to do. */
public final class RetargetException extends IOException {
    private static final long serialVersionUID = 1L;

    RetargetException(String message) {
        super(message);
    }
}
