package org.phantom4j.comm.nccl;

import java.time.Duration;
import java.util.Arrays;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.phantom4j.comm.Collective;
import org.phantom4j.comm.CommException;
import org.phantom4j.comm.CommException.Reason;
import org.phantom4j.comm.CommStats;
import org.phantom4j.comm.Communicator;
import org.phantom4j.comm.DenseArrays;
import org.phantom4j.comm.Pending;
import org.phantom4j.comm.cuda.CudaDevice;
import org.phantom4j.comm.cuda.CudaEvent;
import org.phantom4j.comm.cuda.CudaStream;

/**
 * A rank whose arrays are on a GPU: ND4J's arrays are handed to NCCL where they are. Collectives run in a stream of their own,
 * which waits for what ND4J's stream was given before; {@link Pending#await()} makes ND4J's stream wait for them, and returns
 * at once. So a deadline or a failure is thrown by a later call than the one that it concerns, at the latest by
 * {@link #barrier()} or when the rank ends.
 *
 * <p>Arrays of ND4J's CPU backend are copied to the device and back, which is slow and makes the host wait: for what is
 * gathered once, beside code that computes on the device by itself ({@link #group()}).
 *
 * <p>Sums are NCCL's, see {@link NcclGroup}: those of one or two ranks are the other back ends' bit for bit; those of more are
 * within its bounds.
 */
public final class NcclCommunicator implements Communicator {

    /** The most: others wait for what is in this stream. */
    private static final int URGENCY = 5;

    private final NcclGroup group;
    private final CudaStream stream;
    private final boolean ownsStream;
    private final Outstanding outstanding;
    private final CommStats stats = new CommStats();
    private ArrayMemory memory;
    private boolean closed;

    NcclCommunicator(NcclGroup group) {
        this(group, CudaStream.create(URGENCY), true, null);
    }

    /** Groups of one rank share a stream: their collectives run in the order of the calls, which cannot block one another. */
    private NcclCommunicator(NcclGroup group, CudaStream stream, boolean ownsStream, ArrayMemory memory) {
        this.group = group;
        this.stream = stream;
        this.ownsStream = ownsStream;
        this.memory = memory;
        this.outstanding = new Outstanding(group);
        group.watch().add(outstanding);
    }

    /** The same group, for device pointers. */
    public NcclGroup group() {
        return group;
    }

    @Override
    public int rank() {
        return group.rank();
    }

    @Override
    public int size() {
        return group.size();
    }

    @Override
    public Duration timeout() {
        return group.timeout();
    }

    @Override
    public CommStats stats() {
        return stats;
    }

    private ArrayMemory memory() {
        if (memory == null) {
            memory = DenseArrays.onDevice() ? cudaArrays(group.device()) : new HostArrays(stream);
        }
        return memory;
    }

    private static ArrayMemory cudaArrays(CudaDevice device) {
        try {
            return Class.forName("org.phantom4j.comm.nccl.Nd4jCudaArrays")
                    .asSubclass(ArrayMemory.class)
                    .getDeclaredConstructor(CudaDevice.class)
                    .newInstance(device);
        } catch (ReflectiveOperationException | LinkageError e) {
            throw new IllegalStateException("this version of ND4J's CUDA backend is not known here: " + e, e);
        }
    }

    private void requireOpen() {
        if (closed) {
            throw new CommException(Reason.CLOSED, "rank " + rank() + "'s communicator is closed");
        }
    }

    private static NcclType type(INDArray array) {
        return switch (array.dataType()) {
            case FLOAT -> NcclType.FLOAT;
            case DOUBLE -> NcclType.DOUBLE;
            case LONG -> NcclType.INT64;
            default -> throw new IllegalArgumentException("collectives do not carry " + array.dataType());
        };
    }

    private static int blocksHash(long[] counts) {
        return Arrays.stream(counts).distinct().count() <= 1 ? 0 : Arrays.hashCode(counts) | 1;
    }

    private Pending started(ArrayMemory.Loan loan) {
        CudaEvent done = outstanding.add(stream.handle());
        loan.end();
        return () -> loan.await(group, stream, done);
    }

    @Override
    public Pending startAllGather(INDArray part, INDArray whole, long... counts) {
        requireOpen();
        long[] all = DenseArrays.counts(part, whole, rank(), size(), counts);
        count(Collective.ALL_GATHER, (size() - 1) * part.length(), whole);
        ArrayMemory.Loan loan = memory().borrow();
        long from = loan.address(part, true, false);
        long to = loan.address(whole, false, true);
        loan.begin(stream);
        int hash = blocksHash(all);
        if (hash == 0) {
            group.allGather(from, to, all[0], type(whole), stream.handle());
        } else {
            group.allGatherBlocks(from, to, all, hash, type(whole), stream.handle());
        }
        return started(loan);
    }

    @Override
    public Pending startReduceScatter(INDArray whole, INDArray part, long... counts) {
        requireOpen();
        long[] all = DenseArrays.counts(part, whole, rank(), size(), counts);
        count(Collective.REDUCE_SCATTER, whole.length() - part.length(), whole);
        ArrayMemory.Loan loan = memory().borrow();
        long from = loan.address(whole, true, false);
        long to = loan.address(part, false, true);
        loan.begin(stream);
        int hash = blocksHash(all);
        if (hash == 0) {
            group.reduceScatter(from, to, all[0], type(whole), stream.handle());
        } else {
            group.reduceScatterBlocks(from, to, all, hash, type(whole), stream.handle());
        }
        return started(loan);
    }

    @Override
    public Pending startAllReduce(INDArray array) {
        requireOpen();
        DenseArrays.requireDense(array);
        count(Collective.ALL_REDUCE, CommStats.allReduceElements(array.length(), rank(), size()), array);
        ArrayMemory.Loan loan = memory().borrow();
        long address = loan.address(array, true, true);
        loan.begin(stream);
        group.allReduce(address, address, array.length(), type(array), stream.handle());
        return started(loan);
    }

    @Override
    public Pending startBroadcast(INDArray array, int root) {
        requireOpen();
        DenseArrays.requireDense(array);
        if (root < 0 || root >= size()) {
            throw new IllegalArgumentException("root " + root + " is not a rank of a group of " + size());
        }
        count(Collective.BROADCAST, rank() == root ? (size() - 1) * array.length() : 0, array);
        ArrayMemory.Loan loan = memory().borrow();
        long address = loan.address(array, rank() == root, rank() != root);
        loan.begin(stream);
        group.broadcast(address, address, array.length(), type(array), root, stream.handle());
        return started(loan);
    }

    private void count(Collective collective, long elements, INDArray array) {
        stats.count(collective, elements * array.dataType().width());
    }

    /** {@inheritDoc} Waits until this rank's collectives so far are done, too. */
    @Override
    public void barrier() {
        requireOpen();
        stats.count(Collective.BARRIER, 0);
        group.barrier();
        group.await(stream);
    }

    @Override
    public Communicator split(int color, int key) {
        requireOpen();
        stats.count(Collective.SPLIT, 0);
        return new NcclCommunicator(group.split(color, key), stream, false, memory());
    }

    @Override
    public void abort(Throwable cause) {
        group.abort(cause);
    }

    /** {@inheritDoc} Waits until this rank's collectives are done. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        try {
            if (!group.watch().hasFailed()) {
                group.await(stream);
            }
        } finally {
            group.watch().remove(outstanding);
            outstanding.close();
            group.close();
            if (ownsStream) {
                if (memory != null) {
                    memory.close();
                }
                stream.close();
            }
        }
    }
}
