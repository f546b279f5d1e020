package org.phantom4j.comm;

/** A collective or a group of ranks that could not go on. The group is unusable afterwards. */
public class CommException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /** Why a collective ended. */
    public enum Reason {
        /** Ranks called different collectives, or with other sizes or types. */
        MISMATCH,
        /** A rank did not arrive before the deadline. */
        TIMEOUT,
        /** A rank threw, died or was lost; the cause is its own exception where that is known. */
        RANK_FAILED,
        /** The communicator was closed or aborted on this rank. */
        CLOSED,
        /** A rank was refused when the group was formed. */
        REFUSED
    }

    private final Reason reason;

    public CommException(Reason reason, String message) {
        super(message);
        this.reason = reason;
    }

    public CommException(Reason reason, String message, Throwable cause) {
        super(message, cause);
        this.reason = reason;
    }

    /** What kind of failure this is, for callers that react to it; the message is for people. */
    public Reason reason() {
        return reason;
    }
}
