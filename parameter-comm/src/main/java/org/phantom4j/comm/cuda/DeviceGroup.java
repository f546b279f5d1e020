package org.phantom4j.comm.cuda;

/**
 * A group of ranks, each with a device of its own, and collectives between their devices on raw memory. Every rank calls
 * the same collectives in the same order with the same sizes. They run in the order of the stream that they are given, and
 * may be recorded into a {@link CudaGraph}.
 *
 * <p>Threads: a group belongs to its rank's thread; only {@link #abort} may be called from any.
 */
public interface DeviceGroup extends AutoCloseable {

    /** What memory holds. */
    enum Type {
        FLOAT,
        DOUBLE,
        BFLOAT16,
        INT64
    }

    /** This rank's number. */
    int rank();

    /** The number of ranks. */
    int size();

    /**
     * Gathers each rank's part, in rank order, on every rank.
     *
     * @param part device pointer; may be this rank's own block of {@code whole}
     * @param count elements of each part
     */
    void allGather(long part, long whole, long count, Type type, CudaStream stream);

    /**
     * Sums the ranks' wholes and leaves each rank its block of the sum.
     *
     * @param part device pointer of {@code count} elements; may be this rank's own block of {@code whole}
     * @param count elements of each block
     */
    void reduceScatter(long whole, long part, long count, Type type, CudaStream stream);

    /** Replaces an array by the sum of all ranks'. */
    void allReduce(long array, long count, Type type, CudaStream stream);

    /**
     * Says that this rank starts a recorded step, whose collectives no longer say what they are. Takes less than a microsecond.
     *
     * @param rows samples of the step's batch: ranks must agree
     * @throws RuntimeException that names both, if another rank has started a step on another number of rows
     */
    void startStep(long rows);

    /** Bytes that this rank has sent, by the usual count: what each collective's algorithm must send at least. */
    long bytesSent();

    /**
     * Throws if a rank has failed. Cheap: for whoever waits for a stream.
     *
     * @throws RuntimeException that names the cause
     */
    void check();

    /** Fails the group: what its devices wait for ends, and later calls throw. */
    void abort();

    @Override
    void close();

    /** A rank alone. */
    static DeviceGroup single() {
        return new DeviceGroup() {
            @Override
            public int rank() {
                return 0;
            }

            @Override
            public int size() {
                return 1;
            }

            @Override
            public void allGather(long part, long whole, long count, Type type, CudaStream stream) {
                throw new UnsupportedOperationException("a rank alone has nobody to gather from");
            }

            @Override
            public void reduceScatter(long whole, long part, long count, Type type, CudaStream stream) {
                throw new UnsupportedOperationException("a rank alone has nobody to add to");
            }

            @Override
            public void allReduce(long array, long count, Type type, CudaStream stream) {
                // its own sum
            }

            @Override
            public void startStep(long rows) {
                // there is nobody to agree with
            }

            @Override
            public long bytesSent() {
                return 0;
            }

            @Override
            public void check() {
                // there is nobody else
            }

            @Override
            public void abort() {
                // nobody waits
            }

            @Override
            public void close() {
                // holds nothing
            }
        };
    }
}
