package org.phantom4j.comm;

/**
 * A collective that has been started. The arrays handed to it belong to the communicator until {@link #await()} has
 * returned: do not write to what is sent nor read what is received before then.
 *
 * <p>A handle belongs to the thread that started the collective. Every handle must be awaited, once, in the order in
 * which the collectives were started.
 */
public interface Pending {

    /**
     * Waits until this rank's arrays are ready for use.
     *
     * @throws CommException if a rank failed or left, ranks disagree about the collective, or the deadline passed
     */
    void await();
}
