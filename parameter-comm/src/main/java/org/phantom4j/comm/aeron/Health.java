package org.phantom4j.comm.aeron;

import java.util.List;
import org.phantom4j.comm.CommException;

/**
 * What the ranks of a job know of each other's health, and how a failure of one reaches all. A job fails once, for good.
 * Thread-safe.
 */
interface Health {

    /** Throws the job's failure, as an exception of the calling thread's own, if there is one. Cheap. */
    void check();

    /** Records the job's failure and spreads it to the other ranks; the first one stays and is returned. */
    CommException fail(CommException cause);

    /**
     * A wait of this rank passed its deadline. Finds out, as far as that is possible, which rank is at fault, and fails
     * the job.
     *
     * @param what the wait was in or for, as in "in all-reduce number 5 of 64 FLOAT"
     * @param likely what may be wrong if the suspects answer
     * @param suspects the job's ranks that this rank waited for
     */
    CommException timedOut(String what, String likely, List<Integer> suspects);

    /** A rank of the job, for messages: number, host and process. */
    String name(int rank);
}
