package org.phantom4j.comm.nccl;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import org.phantom4j.comm.CommException;

/**
 * What ranks have besides NCCL: they form NCCL's groups with it, and learn of one another's failures. It fails once, for
 * good. Thread-safe, but for {@link #exchange}, which the rank's thread calls.
 */
interface ControlGroup {

    int rank();

    int size();

    Duration timeout();

    /** Throws the group's failure, as an exception of the calling thread's own, if there is one. Cheap. */
    void check();

    /** Fails the group on every rank; the first failure stays and is returned. */
    CommException fail(CommException cause);

    /** A rank, for messages. */
    String name(int rank);

    /** Hands bytes of every rank to every rank; all ranks call it. */
    List<byte[]> exchange(byte[] own);

    /** Which machine a rank is on: equal for those that share memory. */
    String machine(int rank);

    /**
     * Memory that all ranks of one machine share: the same for one name, zero at first.
     *
     * @param name letters, digits, dots and dashes
     */
    ByteBuffer sharedMemory(String name, int bytes);

    /** Forgets a name that every rank has asked for; the memory stays with those that have it. */
    void forgetSharedMemory(String name);
}
