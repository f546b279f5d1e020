package org.phantom4j.comm;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.concurrency.AffinityManager.Location;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.comm.CommException.Reason;
import org.phantom4j.comm.LocalRound.Post;

/**
 * A rank that is a thread of this JVM. Starting a collective posts the rank's array; waiting reads the other ranks'
 * arrays where they are: each element is copied or added once, and nothing is staged.
 */
final class LocalCommunicator implements Communicator {

    /** Elements that are summed at a time: what is added to stays in the second-level cache. */
    private static final long CHUNK = 1 << 15;

    /** Elements from which on an all-reduce in two steps is faster than one in which every rank adds everything. */
    private static final long FEWEST_FOR_BLOCKS = 1 << 17;

    private final LocalGroup group;
    private final int rank;
    private final CommStats stats = new CommStats();
    private long sequence;
    private boolean closed;
    private INDArray scratch;

    LocalCommunicator(LocalGroup group, int rank) {
        this.group = group;
        this.rank = rank;
    }

    @Override
    public int rank() {
        return rank;
    }

    @Override
    public int size() {
        return group.size;
    }

    @Override
    public Duration timeout() {
        return group.timeout;
    }

    @Override
    public CommStats stats() {
        return stats;
    }

    @Override
    public Pending startAllGather(INDArray part, INDArray whole, long... counts) {
        long[] all = DenseArrays.counts(part, whole, rank, size(), counts);
        count(Collective.ALL_GATHER, (size() - 1) * part.length(), part);
        LocalRound round = post(LocalRound.signature(Collective.ALL_GATHER, whole, LocalRound.blocks(all)), part, 0, 0);
        return () -> {
            awaitPosts(round);
            long[] offsets = DenseArrays.offsets(all);
            for (int other = 0; other < size(); other++) {
                if (all[other] == 0) {
                    // an empty array has no memory to look at
                    continue;
                }
                INDArray block = DenseArrays.row(whole, offsets[other], all[other]);
                INDArray from = round.of(other).array();
                if (!DenseArrays.sameMemory(block, from)) {
                    block.assign(DenseArrays.row(from));
                }
            }
            finish(round);
        };
    }

    @Override
    public Pending startReduceScatter(INDArray whole, INDArray part, long... counts) {
        long[] all = DenseArrays.counts(part, whole, rank, size(), counts);
        count(Collective.REDUCE_SCATTER, whole.length() - part.length(), whole);
        LocalRound round =
                post(LocalRound.signature(Collective.REDUCE_SCATTER, whole, LocalRound.blocks(all)), whole, 0, 0);
        return () -> {
            awaitPosts(round);
            if (part.length() > 0) {
                sumInto(round, DenseArrays.offsets(all)[rank], part);
            }
            finish(round);
        };
    }

    /** Leaves the sum of every rank's elements from {@code start} on in {@code target}, added in pairs. */
    private void sumInto(LocalRound round, long start, INDArray target) {
        INDArray sum = DenseArrays.row(target);
        INDArray own = DenseArrays.row(round.of(rank).array(), start, target.length());
        if (DenseArrays.sameMemory(own, sum)) {
            // other addends are written over the own one before its turn
            sum = scratch(target.dataType(), target.length());
        }
        // on a device, few large operations are better
        long most = DenseArrays.onDevice() ? sum.length() : CHUNK;
        for (long done = 0; done < sum.length(); done += most) {
            INDArray chunk = DenseArrays.row(sum, done, Math.min(most, sum.length() - done));
            sumPairs(round, start + done, 0, size(), chunk);
        }
        if (!DenseArrays.sameMemory(sum, target)) {
            DenseArrays.row(target).assign(sum);
        }
    }

    private void sumPairs(LocalRound round, long start, int from, int to, INDArray target) {
        int middle = (from + to) >>> 1;
        if (middle == from) {
            target.assign(addend(round, start, from, target.length()));
            return;
        }
        sumPairs(round, start, from, middle, target);
        if (to - middle == 1) {
            target.addi(addend(round, start, middle, target.length()));
        } else {
            INDArray second = Nd4j.createUninitializedDetached(target.dataType(), target.length());
            sumPairs(round, start, middle, to, second);
            target.addi(second);
        }
    }

    private static INDArray addend(LocalRound round, long start, int rank, long length) {
        return DenseArrays.row(round.of(rank).array(), start, length);
    }

    @Override
    public Pending startAllReduce(INDArray array) {
        DenseArrays.requireDense(array);
        count(Collective.ALL_REDUCE, CommStats.allReduceElements(array.length(), rank, size()), array);
        LocalRound round = post(LocalRound.signature(Collective.ALL_REDUCE, array, ""), array, 0, 0);
        return () -> {
            awaitPosts(round);
            if (array.length() < FEWEST_FOR_BLOCKS) {
                reduceWhole(round, array);
            } else {
                reduceBlocks(round, array);
            }
        };
    }

    /** Every rank sums everything: one step. */
    private void reduceWhole(LocalRound round, INDArray array) {
        // nobody may write its array while others read it: sum aside, wait for all, then copy back
        INDArray sum = scratch(array.dataType(), array.length());
        sumInto(round, 0, sum);
        finish(round);
        DenseArrays.row(array).assign(sum);
    }

    /** Every rank sums a block, then takes the others' sums: two steps, and each element is read once by each rank. */
    private void reduceBlocks(LocalRound round, INDArray array) {
        long start = CommStats.nearEvenStart(array.length(), size(), rank);
        INDArray own = scratch(array.dataType(), CommStats.nearEvenBlock(array.length(), size(), rank));
        sumInto(round, start, own);
        Nd4j.getExecutioner().commit();
        round.postSum(rank, own);
        awaitAll(round, round::everyoneSummed);
        long taken = 0;
        for (int other = 0; other < size(); other++) {
            INDArray sum = round.sum(other);
            DenseArrays.row(array, taken, sum.length()).assign(sum);
            taken += sum.length();
        }
        finish(round);
    }

    /** Memory for a sum, the same for every collective: until one has finished everywhere, no other one is summed. */
    private INDArray scratch(DataType type, long length) {
        if (scratch == null || scratch.dataType() != type || scratch.length() < length) {
            scratch = Nd4j.createUninitializedDetached(type, length);
        }
        return DenseArrays.row(scratch, 0, length);
    }

    @Override
    public Pending startBroadcast(INDArray array, int root) {
        DenseArrays.requireDense(array);
        if (root < 0 || root >= size()) {
            throw new IllegalArgumentException("root " + root + " is not a rank of a group of " + size());
        }
        count(Collective.BROADCAST, rank == root ? (size() - 1) * array.length() : 0, array);
        LocalRound round = post(LocalRound.signature(Collective.BROADCAST, array, "from rank " + root), array, 0, 0);
        return () -> {
            awaitPosts(round);
            if (rank != root) {
                DenseArrays.row(array).assign(DenseArrays.row(round.of(root).array()));
            }
            finish(round);
        };
    }

    @Override
    public void barrier() {
        stats.count(Collective.BARRIER, 0);
        LocalRound round = post(new LocalRound.Signature(Collective.BARRIER, 0, "elements", ""), null, 0, 0);
        awaitPosts(round);
        finish(round);
    }

    @Override
    public Communicator split(int color, int key) {
        stats.count(Collective.SPLIT, 0);
        LocalRound round = post(new LocalRound.Signature(Collective.SPLIT, 0, "elements", ""), null, color, key);
        awaitPosts(round);
        List<Integer> members = new ArrayList<>();
        for (int other = 0; other < size(); other++) {
            if (round.of(other).color() == color) {
                members.add(other);
            }
        }
        members.sort(Comparator.comparingInt((Integer other) -> round.of(other).key())
                .thenComparing(other -> other));
        LocalGroup child = group.child(round.sequence, color, members.size());
        finish(round);
        return new LocalCommunicator(child, members.indexOf(rank));
    }

    private void count(Collective collective, long elements, INDArray array) {
        stats.count(collective, elements * array.dataType().width());
    }

    private LocalRound post(LocalRound.Signature signature, INDArray array, int color, int key) {
        if (closed) {
            throw new CommException(Reason.CLOSED, "rank " + rank + "'s communicator is closed");
        }
        group.check();
        // what the array's own device still computes must be in memory before another rank reads it
        Nd4j.getExecutioner().commit();
        if (array != null && array.length() > 0) {
            // a view of an array on a device needs its host memory, too, which only one thread may make
            Nd4j.getAffinityManager().ensureLocation(array, Location.DEVICE);
        }
        LocalRound round = group.round(sequence++);
        try {
            round.post(rank, new Post(signature, array, color, key));
        } catch (CommException mismatch) {
            throw group.fail(mismatch);
        }
        return round;
    }

    private void awaitPosts(LocalRound round) {
        if (!group.await(round::everyonePosted)) {
            throw group.fail(new CommException(
                    Reason.TIMEOUT,
                    "rank " + rank + " waited " + group.timeout.toMillis() + " ms in collective number "
                            + round.sequence + " for rank " + round.missing()
                            + ", which did not call it: is it stuck, or on another path through the program?"));
        }
        group.check();
    }

    /** Waits for something that every rank does on its own, once all have called the collective and await it. */
    private void awaitAll(LocalRound round, BooleanSupplier condition) {
        if (!group.await(condition)) {
            throw group.fail(new CommException(
                    Reason.TIMEOUT,
                    "rank " + rank + " waited " + group.timeout.toMillis() + " ms for the others to finish collective"
                            + " number " + round.sequence + ": is a started collective never awaited?"));
        }
    }

    private void finish(LocalRound round) {
        Nd4j.getExecutioner().commit();
        if (round.finish()) {
            group.remove(round);
        } else {
            awaitAll(round, round::everyoneFinished);
        }
    }

    @Override
    public void abort(Throwable cause) {
        group.fail(new CommException(Reason.RANK_FAILED, "rank " + rank + " failed: " + cause, cause));
    }

    @Override
    public void close() {
        closed = true;
    }
}
