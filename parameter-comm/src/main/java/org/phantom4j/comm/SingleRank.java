package org.phantom4j.comm;

import java.time.Duration;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A group of one: every collective is done when it is called. One instance serves all threads; it keeps no counts. */
final class SingleRank implements Communicator {

    static final SingleRank INSTANCE = new SingleRank();

    private static final Pending DONE = () -> {};

    private SingleRank() {}

    @Override
    public int rank() {
        return 0;
    }

    @Override
    public int size() {
        return 1;
    }

    @Override
    public Duration timeout() {
        return Duration.ZERO;
    }

    @Override
    public CommStats stats() {
        return new CommStats();
    }

    @Override
    public Pending startAllGather(INDArray part, INDArray whole, long... counts) {
        return copy(part, whole, counts);
    }

    @Override
    public Pending startReduceScatter(INDArray whole, INDArray part, long... counts) {
        return copy(whole, part, counts);
    }

    private static Pending copy(INDArray from, INDArray to, long... counts) {
        DenseArrays.counts(from, to, 0, 1, counts);
        if (!DenseArrays.sameMemory(from, to)) {
            DenseArrays.row(to).assign(DenseArrays.row(from));
        }
        return DONE;
    }

    @Override
    public Pending startAllReduce(INDArray array) {
        DenseArrays.requireDense(array);
        return DONE;
    }

    @Override
    public Pending startBroadcast(INDArray array, int root) {
        DenseArrays.requireDense(array);
        if (root != 0) {
            throw new IllegalArgumentException("root " + root + " is not a rank of a group of 1");
        }
        return DONE;
    }

    @Override
    public void barrier() {}

    @Override
    public Communicator split(int color, int key) {
        return this;
    }

    @Override
    public void abort(Throwable cause) {}

    @Override
    public void close() {}
}
