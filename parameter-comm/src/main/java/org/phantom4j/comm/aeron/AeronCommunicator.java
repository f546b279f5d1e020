package org.phantom4j.comm.aeron;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.Comparator;
import org.agrona.BufferUtil;
import org.agrona.collections.IntArrayList;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.concurrency.AffinityManager.Location;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.comm.Collective;
import org.phantom4j.comm.CommException;
import org.phantom4j.comm.CommException.Reason;
import org.phantom4j.comm.CommStats;
import org.phantom4j.comm.Communicator;
import org.phantom4j.comm.DenseArrays;
import org.phantom4j.comm.Pending;

/**
 * A rank's end of a group over Aeron. Each method turns a collective into the plan of an {@link Exchange}.
 *
 * <p>By default most exchange blocks directly between the ranks, so that each byte crosses the network once. A small
 * all-reduce sends whole arrays, one step; a larger one sends each block to its owner and the owner's sum to all, two
 * steps that overlap chunk by chunk, and moves 2 (p − 1) / p of the array from each rank, as a ring does. A broadcast
 * to several ranks above the same size sends each rank a block, which the ranks then exchange.
 */
final class AeronCommunicator implements Communicator {

    private static final int LONG_BYTES = Long.BYTES;

    private final Group group;
    private final int rank;
    private final int size;
    private final CommStats stats = new CommStats();
    private final long[] offsets;
    private final Blocks blocks;
    private final Steps steps;
    private boolean closed;

    AeronCommunicator(Group group) {
        this.group = group;
        this.rank = group.rank;
        this.size = group.size;
        this.offsets = new long[size + 1];
        this.blocks = new Blocks(offsets);
        this.steps = Steps.of(options().algorithm(), size);
    }

    @Override
    public int rank() {
        return rank;
    }

    @Override
    public int size() {
        return size;
    }

    @Override
    public Duration timeout() {
        return options().timeout();
    }

    @Override
    public CommStats stats() {
        return stats;
    }

    @Override
    public Pending startAllGather(INDArray part, INDArray whole, long... counts) {
        check();
        setOffsets(part, whole, counts);
        stats.count(Collective.ALL_GATHER, (size - 1) * bytes(part));
        if (takesSteps(whole)) {
            SteppedExchange exchange = planSteps(Collective.ALL_GATHER, whole, Signature.blocksHash(counts));
            steps.allGather(exchange, readAddress(part), blocks(writeAddress(whole), whole));
            return group.start(exchange.keep(part, whole));
        }
        DirectExchange exchange = group.prepare();
        exchange.plan(Collective.ALL_GATHER, whole.dataType(), whole.length(), Signature.blocksHash(counts), 0);
        planAllGather(
                exchange,
                readAddress(part),
                bytes(part),
                writeAddress(whole),
                whole.dataType().width());
        return group.start(exchange.keep(part, whole));
    }

    private void planAllGather(DirectExchange exchange, long part, long partBytes, long whole, int width) {
        exchange.reduction.none(partBytes);
        exchange.gatherFrom(part);
        for (int peer = 0; peer < size; peer++) {
            if (peer != rank) {
                exchange.gather(peer, partBytes);
                exchange.takeBlock(peer, whole + offsets[peer] * width, (offsets[peer + 1] - offsets[peer]) * width);
            }
        }
        exchange.copyLast(part, whole + offsets[rank] * width, partBytes);
    }

    @Override
    public Pending startReduceScatter(INDArray whole, INDArray part, long... counts) {
        check();
        setOffsets(part, whole, counts);
        stats.count(Collective.REDUCE_SCATTER, bytes(whole) - bytes(part));
        if (takesSteps(whole)) {
            SteppedExchange exchange = planSteps(Collective.REDUCE_SCATTER, whole, Signature.blocksHash(counts));
            steps.reduceScatter(exchange, blocks(readAddress(whole), whole), writeAddress(part));
            return group.start(exchange.keep(whole, part));
        }
        DirectExchange exchange = group.prepare();
        exchange.plan(Collective.REDUCE_SCATTER, whole.dataType(), whole.length(), Signature.blocksHash(counts), 0);
        planReduction(exchange, readAddress(whole), writeAddress(part), whole.dataType());
        return group.start(exchange.keep(whole, part));
    }

    private void planReduction(DirectExchange exchange, long whole, long block, DataType type) {
        int width = type.width();
        long blockBytes = (offsets[rank + 1] - offsets[rank]) * width;
        for (int peer = 0; peer < size; peer++) {
            if (peer != rank) {
                exchange.scatter(peer, whole + offsets[peer] * width, (offsets[peer + 1] - offsets[peer]) * width);
                exchange.takeAddend(peer, blockBytes);
            }
        }
        exchange.reduction.sum(type, block, blockBytes, whole + offsets[rank] * width);
    }

    @Override
    public Pending startAllReduce(INDArray array) {
        check();
        DenseArrays.requireDense(array);
        stats.count(
                Collective.ALL_REDUCE,
                CommStats.allReduceElements(array.length(), rank, size)
                        * array.dataType().width());
        if (takesSteps(array)) {
            setNearEvenOffsets(array.length());
            SteppedExchange exchange = planSteps(Collective.ALL_REDUCE, array, 0);
            steps.allReduce(exchange, blocks(writeAddress(array), array));
            return group.start(exchange.keep(array, array));
        }
        DirectExchange exchange = group.prepare();
        exchange.plan(Collective.ALL_REDUCE, array.dataType(), array.length(), 0, 0);
        long address = writeAddress(array);
        long bytes = bytes(array);
        if (bytes <= options().directAllReduceBytes()) {
            planDirectAllReduce(exchange, address, bytes, array.dataType());
        } else {
            setNearEvenOffsets(array.length());
            long block = address + offsets[rank] * array.dataType().width();
            planReduction(exchange, address, block, array.dataType());
            planExchangeOfBlocks(exchange, address, array.dataType().width());
        }
        return group.start(exchange.keep(array, array));
    }

    /** Whole arrays to everyone; the sum is made aside, as the own addend is still being sent. */
    private void planDirectAllReduce(DirectExchange exchange, long address, long bytes, DataType type) {
        for (int peer = 0; peer < size; peer++) {
            if (peer != rank) {
                exchange.scatter(peer, address, bytes);
                exchange.takeAddend(peer, bytes);
            }
        }
        long sum = exchange.reduction.scratch();
        exchange.reduction.sum(type, sum, bytes, address);
        exchange.copyLast(sum, address, bytes);
    }

    /** Each rank's block of {@code whole}, as far as it is ready, to everyone. */
    private void planExchangeOfBlocks(DirectExchange exchange, long whole, int width) {
        exchange.gatherFrom(whole + offsets[rank] * width);
        for (int peer = 0; peer < size; peer++) {
            if (peer != rank) {
                exchange.gather(peer, (offsets[rank + 1] - offsets[rank]) * width);
                exchange.takeBlock(peer, whole + offsets[peer] * width, (offsets[peer + 1] - offsets[peer]) * width);
            }
        }
    }

    @Override
    public Pending startBroadcast(INDArray array, int root) {
        DirectExchange exchange = prepare();
        DenseArrays.requireDense(array);
        if (root < 0 || root >= size) {
            throw new IllegalArgumentException("root " + root + " is not a rank of a group of " + size);
        }
        stats.count(Collective.BROADCAST, rank == root ? (size - 1) * bytes(array) : 0);
        exchange.plan(Collective.BROADCAST, array.dataType(), array.length(), 0, root);
        if (size > 2 && bytes(array) > options().directAllReduceBytes()) {
            setNearEvenOffsets(array.length());
            planBroadcastInBlocks(exchange, writeAddress(array), array.dataType(), root);
        } else {
            planDirectBroadcast(exchange, writeAddress(array), bytes(array), root);
        }
        return group.start(exchange.keep(array, array));
    }

    /** The root sends the whole array to everyone, and takes an empty fragment that says what was called there. */
    private void planDirectBroadcast(DirectExchange exchange, long address, long bytes, int root) {
        if (rank != root) {
            exchange.gather(root, 0);
            exchange.takeBlock(root, address, bytes);
            return;
        }
        exchange.reduction.none(bytes);
        exchange.gatherFrom(address);
        for (int peer = 0; peer < size; peer++) {
            if (peer != root) {
                exchange.gather(peer, bytes);
                exchange.takeBlock(peer, address, 0);
            }
        }
    }

    /** The root sends each rank that rank's block, and its own to everyone; the others exchange theirs. */
    private void planBroadcastInBlocks(DirectExchange exchange, long address, DataType type, int root) {
        int width = type.width();
        planExchangeOfBlocks(exchange, address, width);
        long block = address + offsets[rank] * width;
        long blockBytes = (offsets[rank + 1] - offsets[rank]) * width;
        if (rank != root) {
            exchange.takeAddend(root, blockBytes);
            exchange.reduction.copyOf(root, type, block, blockBytes);
            exchange.gather(root, 0);
            return;
        }
        exchange.reduction.none(blockBytes);
        for (int peer = 0; peer < size; peer++) {
            if (peer != root) {
                exchange.scatter(peer, address + offsets[peer] * width, (offsets[peer + 1] - offsets[peer]) * width);
                exchange.takeBlock(peer, address, 0);
            }
        }
    }

    @Override
    public void barrier() {
        DirectExchange exchange = prepare();
        stats.count(Collective.BARRIER, 0);
        group.start(exchange.planBarrier()).await();
    }

    /** What a rank tells the others for a split. */
    private static final int SPLIT_LONGS = 3;

    @Override
    public Communicator split(int color, int key) {
        DirectExchange exchange = prepare();
        stats.count(Collective.SPLIT, 0);
        int partBytes = SPLIT_LONGS * LONG_BYTES;
        ByteBuffer all = ByteBuffer.allocateDirect(size * partBytes).order(ByteOrder.nativeOrder());
        long address = BufferUtil.address(all);
        all.putLong(rank * partBytes, color);
        all.putLong(rank * partBytes + LONG_BYTES, key);
        all.putLong(rank * partBytes + 2 * LONG_BYTES, group.rank().nextGroupId());
        for (int i = 0; i <= size; i++) {
            offsets[i] = (long) i * SPLIT_LONGS;
        }
        exchange.plan(Collective.SPLIT, DataType.INT64, 0, 0, 0);
        planAllGather(exchange, address + (long) rank * partBytes, partBytes, address, LONG_BYTES);
        group.start(exchange.keep(all, all)).await();
        return new AeronCommunicator(joinSplit(all, color));
    }

    private Group joinSplit(ByteBuffer all, int color) {
        IntArrayList colors = new IntArrayList();
        IntArrayList members = new IntArrayList();
        long firstId = 0;
        for (int i = 0; i < size; i++) {
            int other = (int) all.getLong(i * SPLIT_LONGS * LONG_BYTES);
            firstId = Math.max(firstId, all.getLong((i * SPLIT_LONGS + 2) * LONG_BYTES));
            if (!colors.contains(other)) {
                colors.addInt(other);
            }
            if (other == color) {
                members.addInt(i);
            }
        }
        int[] ordered = members.stream()
                .sorted(Comparator.comparingLong((Integer i) -> all.getLong((i * SPLIT_LONGS + 1) * LONG_BYTES)))
                .mapToInt(group::member)
                .toArray();
        int groupId = Math.toIntExact(firstId) + colors.indexOf(color);
        return group.rank().join(groupId, ordered, Math.toIntExact(firstId) + colors.size());
    }

    private boolean takesSteps(INDArray whole) {
        return steps != null && Steps.takes(options(), bytes(whole));
    }

    private SteppedExchange planSteps(Collective collective, INDArray whole, int blocksHash) {
        return group.prepareSteps().plan(collective, whole.dataType(), whole.length(), blocksHash);
    }

    private Blocks blocks(long address, INDArray whole) {
        return blocks.of(address, whole.dataType().width());
    }

    private DirectExchange prepare() {
        check();
        return group.prepare();
    }

    private void check() {
        if (closed) {
            throw new CommException(Reason.CLOSED, "rank " + rank + "'s communicator is closed");
        }
        // what the array's own device still computes must be in memory before it is sent
        Nd4j.getExecutioner().commit();
    }

    /** Checks the arrays and sets where each rank's block starts. */
    private void setOffsets(INDArray part, INDArray whole, long[] counts) {
        boolean equal = counts.length == 0;
        long equalCount = whole.length() / size;
        boolean fits = part.dataType() == whole.dataType() && (equal || counts.length == size);
        for (int i = 0; i < size && fits; i++) {
            offsets[i + 1] = offsets[i] + (equal ? equalCount : counts[i]);
        }
        if (fits && offsets[size] == whole.length() && offsets[rank + 1] - offsets[rank] == part.length()) {
            DenseArrays.requireDense(part);
            DenseArrays.requireDense(whole);
        } else {
            DenseArrays.counts(part, whole, rank, size, counts);
        }
    }

    private void setNearEvenOffsets(long length) {
        for (int i = 0; i <= size; i++) {
            offsets[i] = CommStats.nearEvenStart(length, size, i);
        }
    }

    private static long bytes(INDArray array) {
        return array.length() * array.dataType().width();
    }

    private static long readAddress(INDArray array) {
        if (array.isEmpty()) {
            return 0;
        }
        return DenseArrays.hostAddress(array);
    }

    /** The address of an array that is read and written. */
    private static long writeAddress(INDArray array) {
        long address = readAddress(array);
        if (address != 0) {
            Nd4j.getAffinityManager().tagLocation(array, Location.HOST);
        }
        return address;
    }

    AeronOptions options() {
        return group.rank().options();
    }

    /** Streams between the two ranks of this group, for use without it; both call it. */
    AeronTransport.Pair rawPair() {
        return group.rank().openPair(group.member(1 - rank));
    }

    /** Fragments dropped so far because they were not of this job. */
    long droppedFragments() {
        return group.droppedFragments();
    }

    @Override
    public void abort(Throwable cause) {
        Health health = group.rank().health();
        health.fail(
                new CommException(Reason.RANK_FAILED, health.name(group.rank().number()) + " failed: " + cause, cause));
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            group.close();
        }
    }
}
