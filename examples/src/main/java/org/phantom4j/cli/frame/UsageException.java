package org.phantom4j.cli.frame;

/** A command line that cannot be run. The message says in one line what is wrong and what would be right. */
public final class UsageException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    public UsageException(String message) {
        super(message);
    }

    public UsageException(String message, Throwable cause) {
        super(message, cause);
    }
}
