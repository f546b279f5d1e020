package org.phantom4j.comm;

import java.time.Duration;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * One rank's end of a group of ranks, and the collectives between them.
 *
 * <p><b>Order.</b> Every rank of a group calls the same collectives in the same order with the same sizes and types.
 * Each call carries a sequence number and a signature; ranks that disagree get a {@link CommException} that names both
 * sides, never a hang or a wrong sum. Every wait ends at the {@link #timeout()}.
 *
 * <p><b>Arrays.</b> Arrays are dense in memory ('c' or 'f' order, views included, see {@link DenseArrays}) and are
 * treated as one row of elements in memory order. A <em>whole</em> array is the ranks' blocks one after another in rank
 * order; with feature-major ('f') activations that is the concatenation along the features, and nothing is transposed.
 * Blocks may differ in length: {@code counts[i]} elements belong to rank i; without counts they are equal. A part may be
 * the rank's own block of the whole ("in place"), which saves a copy. Types: FLOAT, DOUBLE and INT64.
 *
 * <p><b>Threads.</b> A communicator belongs to its rank's thread; only {@link #abort} may be called from any thread.
 *
 * <p><b>Sums</b> are added in pairs on every back end: the sum of ranks lo to hi − 1 is that of lo to mid − 1 plus that of
 * mid to hi − 1, with mid = (lo + hi) / 2. Results are the same bit for bit wherever the ranks run; and where a model's
 * shards are a power of two and each rank adds its own shards' values in the same way, on every number of ranks.
 */
public interface Communicator extends AutoCloseable {

    /** Counts that say that all blocks are equal. */
    long[] EQUAL = {};

    /** This rank's number, 0 to {@link #size()} − 1. */
    int rank();

    /** The number of ranks in the group. */
    int size();

    /** The deadline of every wait. */
    Duration timeout();

    /** What this rank has called and sent so far. */
    CommStats stats();

    /**
     * Starts to gather every rank's part on every rank.
     *
     * @param part this rank's elements; may be its own block of {@code whole}
     * @param whole receives the parts of all ranks in rank order
     * @param counts elements of each rank's part; none if they are all equal
     */
    Pending startAllGather(INDArray part, INDArray whole, long... counts);

    /**
     * Starts to sum the ranks' wholes and hand each rank its block of the sum.
     *
     * @param whole this rank's addends, one block for each rank; its contents are undefined afterwards
     * @param part receives this rank's block of the sum; may be its own block of {@code whole}
     * @param counts elements of each rank's block; none if they are all equal
     */
    Pending startReduceScatter(INDArray whole, INDArray part, long... counts);

    /** Starts to replace {@code array} by the sum of all ranks' arrays. */
    Pending startAllReduce(INDArray array);

    /** Starts to copy {@code array} of rank {@code root} to all ranks. */
    Pending startBroadcast(INDArray array, int root);

    /** Starts an all-gather of parts of one length; unlike a call with counts it leaves no array behind. */
    default Pending startAllGather(INDArray part, INDArray whole) {
        return startAllGather(part, whole, EQUAL);
    }

    /** Starts a reduce-scatter of blocks of one length; unlike a call with counts it leaves no array behind. */
    default Pending startReduceScatter(INDArray whole, INDArray part) {
        return startReduceScatter(whole, part, EQUAL);
    }

    /** Gathers parts of one length on every rank, see {@link #startAllGather(INDArray, INDArray)}. */
    default void allGather(INDArray part, INDArray whole) {
        startAllGather(part, whole, EQUAL).await();
    }

    /** Sums wholes and scatters blocks of one length, see {@link #startReduceScatter(INDArray, INDArray)}. */
    default void reduceScatter(INDArray whole, INDArray part) {
        startReduceScatter(whole, part, EQUAL).await();
    }

    /** Gathers every rank's part on every rank, see {@link #startAllGather(INDArray, INDArray, long...)}. */
    default void allGather(INDArray part, INDArray whole, long... counts) {
        startAllGather(part, whole, counts).await();
    }

    /** Sums wholes and scatters the blocks of the sum, see {@link #startReduceScatter(INDArray, INDArray, long...)}. */
    default void reduceScatter(INDArray whole, INDArray part, long... counts) {
        startReduceScatter(whole, part, counts).await();
    }

    /** Replaces {@code array} by the sum over all ranks. */
    default void allReduce(INDArray array) {
        startAllReduce(array).await();
    }

    /** Copies {@code array} of rank {@code root} to all ranks. */
    default void broadcast(INDArray array, int root) {
        startBroadcast(array, root).await();
    }

    /** Returns when every rank has called it. */
    void barrier();

    /**
     * Splits the group. Ranks with the same colour form a new group, ordered by key, then by their rank here. A
     * collective: every rank calls it. The new communicator fails when this one does.
     */
    Communicator split(int color, int key);

    /** Fails the whole group: every rank's pending and later calls throw a {@link CommException} that names the cause. */
    void abort(Throwable cause);

    /** Leaves the group. Idempotent; does not wait for the others. */
    @Override
    void close();
}
