package org.phantom4j.comm.nccl;

import java.time.Duration;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.phantom4j.comm.Collective;
import org.phantom4j.comm.CommException;
import org.phantom4j.comm.CommException.Reason;
import org.phantom4j.comm.Communicator;
import org.phantom4j.comm.cuda.CudaDevice;
import org.phantom4j.comm.cuda.CudaStream;

/**
 * A rank's end of a group of GPUs, and the collectives between them on device memory. A call puts NCCL's work into a stream
 * and returns; it makes no objects, and may be made while the stream is being captured into a graph.
 *
 * <p><b>Addresses</b> are device pointers of the rank's own device, <b>counts</b> numbers of elements, <b>streams</b> handles
 * as {@link CudaStream#handle()} gives them. Sending and receiving in place is allowed as NCCL allows it: an all-gather from
 * the rank's own block of the whole, a reduce-scatter into it, an all-reduce or broadcast with one address.
 *
 * <p><b>Order.</b> All ranks make the same calls in the same order; ranks of one machine that do not get a {@link CommException}
 * that names both sides before anything wrong is computed (see CallBoard), ranks of several machines at the next
 * {@link #barrier()} or {@link #split}. A graph's launches are not compared: launch the same graph on every rank.
 *
 * <p><b>Sums</b> are added in NCCL's order, which depends on the number of ranks and the position in the array, but not on the
 * run: on two ranks they are those of every other back end, bit for bit. On r ranks they differ from the exact sum by at most
 * (r − 1) · u · Σ|addend|, u being 2⁻²⁴ for FLOAT, 2⁻⁵³ for DOUBLE, 2⁻⁸ for BFLOAT16; those of INT64 are exact.
 *
 * <p><b>Failures.</b> When NCCL reports an error, another rank fails or dies, or {@link #abort} is called, the rank's work in
 * NCCL is aborted within milliseconds: kernels that wait for other ranks end, their results are undefined, and every later
 * call throws. Wait for a stream with {@link #await}: it knows the deadline and the failure.
 *
 * <p><b>Threads.</b> A group belongs to its rank's thread; {@link #abort} may be called from any.
 */
public final class NcclGroup implements AutoCloseable {

    private static final long NS_PER_MS = 1_000_000;

    private final NcclWatch watch;
    private final CudaDevice device;
    private final int rank;
    private final int[] members;
    private final String name;
    private final CallBoard board;
    private final long timeoutNs;
    private final NcclHandle nccl;
    private final NumberExchange numbers;
    private boolean closed;

    private NcclGroup(NcclWatch watch, CudaDevice device, int[] members, String name) {
        this.watch = watch;
        this.device = device;
        this.members = members;
        this.name = name;
        this.timeoutNs = watch.control().timeout().toNanos();
        ControlGroup control = watch.control();
        this.rank = IntStream.range(0, members.length)
                .filter(i -> members[i] == control.rank())
                .findFirst()
                .orElseThrow();
        boolean[] shares = new boolean[members.length];
        for (int i = 0; i < shares.length; i++) {
            shares[i] = control.machine(members[i]).equals(control.machine(control.rank()));
        }
        this.board = new CallBoard(control.sharedMemory(name, CallBoard.bytes(members.length)), rank, shares);
        this.nccl = new NcclHandle(watch, device, who(), () -> overdue(board.calls()));
        this.numbers = new NumberExchange(this, nccl, board);
    }

    /** Forms the group of all ranks; they all call it, each with its own device. Returns when all have. */
    static NcclGroup join(NcclWatch watch, CudaDevice device) {
        ControlGroup control = watch.control();
        NcclGroup group =
                new NcclGroup(watch, device, IntStream.range(0, control.size()).toArray(), "world");
        byte[] id = new byte[Nccl.ID_BYTES];
        if (control.rank() == 0) {
            group.nccl.check("ncclGetUniqueId", Nccl.ncclGetUniqueId(id));
        }
        byte[] shared = control.exchange(id).get(0);
        group.create(
                "ncclCommInitRankConfig",
                comm -> Nccl.ncclCommInitRankConfig(
                        comm, group.size(), Nccl.UniqueId.of(shared), group.rank, new Nccl.Config()));
        return group;
    }

    /** The group of a communicator of back end "nccl". */
    public static NcclGroup of(Communicator communicator) {
        if (communicator instanceof NcclCommunicator nccl) {
            return nccl.group();
        }
        throw new IllegalArgumentException(
                "these ranks do not communicate over NCCL: run them on back end nccl (--comm nccl)");
    }

    private void create(String call, NcclHandle.Creation creation) {
        try {
            nccl.create(call, size(), creation);
        } finally {
            // every rank has the board now, or none needs it
            if (firstOfMachine()) {
                watch.control().forgetSharedMemory(name);
            }
        }
    }

    private boolean firstOfMachine() {
        ControlGroup control = watch.control();
        String own = control.machine(control.rank());
        return Arrays.stream(members)
                        .filter(member -> control.machine(member).equals(own))
                        .findFirst()
                        .orElseThrow()
                == control.rank();
    }

    private String who() {
        return watch.control().name(members[rank]);
    }

    /** This rank's number, 0 to {@link #size()} − 1. */
    public int rank() {
        return rank;
    }

    /** The number of ranks in the group. */
    public int size() {
        return members.length;
    }

    /** The deadline of every wait. */
    public Duration timeout() {
        return watch.control().timeout();
    }

    /** This rank's device. */
    public CudaDevice device() {
        return device;
    }

    /** The version of the machine's NCCL: "2.28.9". */
    public static String version() {
        int[] version = new int[1];
        Nccl.ncclGetVersion(version);
        return NcclVersion.text(version[0]);
    }

    // ---- collectives

    /** Gathers {@code count} elements of every rank into a whole of {@code size · count} on every rank. */
    public void allGather(long send, long receive, long count, NcclType type, long stream) {
        post(Collective.ALL_GATHER, type, size() * count, 0, 0);
        long handle = nccl.enter();
        nccl.leave("ncclAllGather", Nccl.ncclAllGather(send, receive, count, type.code, handle, stream));
    }

    /** Sums the ranks' wholes of {@code size · count} elements and gives each rank its block of {@code count}. */
    public void reduceScatter(long send, long receive, long count, NcclType type, long stream) {
        post(Collective.REDUCE_SCATTER, type, size() * count, 0, 0);
        long handle = nccl.enter();
        nccl.leave(
                "ncclReduceScatter", Nccl.ncclReduceScatter(send, receive, count, type.code, Nccl.SUM, handle, stream));
    }

    /** Sums {@code count} elements over all ranks, on every rank. */
    public void allReduce(long send, long receive, long count, NcclType type, long stream) {
        post(Collective.ALL_REDUCE, type, count, 0, 0);
        long handle = nccl.enter();
        nccl.leave("ncclAllReduce", Nccl.ncclAllReduce(send, receive, count, type.code, Nccl.SUM, handle, stream));
    }

    /** Copies {@code count} elements of rank {@code root} to all ranks. */
    public void broadcast(long send, long receive, long count, NcclType type, int root, long stream) {
        post(Collective.BROADCAST, type, count, root, 0);
        long handle = nccl.enter();
        nccl.leave("ncclBroadcast", Nccl.ncclBroadcast(send, receive, count, type.code, root, handle, stream));
    }

    /**
     * Gathers blocks of different lengths.
     *
     * @param counts elements of each rank's block
     * @param hash of the counts, not 0
     */
    void allGatherBlocks(long send, long receive, long[] counts, int hash, NcclType type, long stream) {
        post(Collective.ALL_GATHER, type, Arrays.stream(counts).sum(), 0, hash);
        long handle = nccl.enter();
        int result = Nccl.ncclGroupStart();
        long block = receive;
        for (int root = 0; root < counts.length && result == Nccl.SUCCESS; root++) {
            if (counts[root] > 0) {
                long from = root == rank ? send : block;
                result = Nccl.ncclBroadcast(from, block, counts[root], type.code, root, handle, stream);
            }
            block += counts[root] * type.width;
        }
        int end = Nccl.ncclGroupEnd();
        nccl.leave("ncclBroadcast of each block", result == Nccl.SUCCESS ? end : result);
    }

    /** Sums wholes and scatters blocks of different lengths, see {@link #allGatherBlocks}. */
    void reduceScatterBlocks(long send, long receive, long[] counts, int hash, NcclType type, long stream) {
        post(Collective.REDUCE_SCATTER, type, Arrays.stream(counts).sum(), 0, hash);
        long handle = nccl.enter();
        int result = Nccl.ncclGroupStart();
        long block = send;
        for (int root = 0; root < counts.length && result == Nccl.SUCCESS; root++) {
            if (counts[root] > 0) {
                long to = root == rank ? receive : block;
                result = Nccl.ncclReduce(block, to, counts[root], type.code, Nccl.SUM, root, handle, stream);
            }
            block += counts[root] * type.width;
        }
        int end = Nccl.ncclGroupEnd();
        nccl.leave("ncclReduce of each block", result == Nccl.SUCCESS ? end : result);
    }

    /** Sends to one rank, which receives as much. Between {@link #start} and {@link #end}, several at once. */
    public void send(long address, long count, NcclType type, int peer, long stream) {
        long handle = nccl.enter();
        nccl.leave("ncclSend", Nccl.ncclSend(address, count, type.code, peer, handle, stream));
    }

    /** Receives from one rank, which sends as much. */
    public void receive(long address, long count, NcclType type, int peer, long stream) {
        long handle = nccl.enter();
        nccl.leave("ncclRecv", Nccl.ncclRecv(address, count, type.code, peer, handle, stream));
    }

    /** From here to {@link #end}, calls are collected and then start together. */
    public void start() {
        watch.check();
        nccl.check("ncclGroupStart", Nccl.ncclGroupStart());
    }

    /** Starts what was called since {@link #start}. */
    public void end() {
        nccl.enter();
        nccl.leave("ncclGroupEnd", Nccl.ncclGroupEnd());
    }

    /**
     * Says that this rank starts a recorded step.
     *
     * @param rows of its batch
     * @throws CommException MISMATCH if another rank of this machine has started one on another number of rows
     */
    public void startStep(long rows) {
        post(Call.STEP, rows);
    }

    private void post(Collective collective, NcclType type, long elements, int root, int blocks) {
        post(Call.code(collective, type, root, blocks), elements);
    }

    private void post(long code, long elements) {
        if (closed) {
            throw new CommException(Reason.CLOSED, "rank " + rank + "'s communicator is closed");
        }
        watch.check();
        try {
            board.post(code, elements, timeoutNs, watch::check);
        } catch (CommException e) {
            throw watch.hasFailed() ? e : watch.fail(e);
        }
    }

    // ---- waiting

    /**
     * Throws if this rank or another has failed. Cheap.
     *
     * @throws CommException that names the cause
     */
    public void check() {
        watch.check();
    }

    /**
     * Waits until a stream's work is done.
     *
     * @throws CommException if a rank fails meanwhile, or the deadline passes, after which all ranks have failed
     */
    public void await(CudaStream stream) {
        long beganNs = System.nanoTime();
        // in short steps: a failure elsewhere ends the stream's work here, with wrong results
        while (!stream.synchronize(Math.min(timeoutNs, NS_PER_MS))) {
            watch.check();
            if (System.nanoTime() - beganNs > timeoutNs) {
                throw watch.fail(overdue(board.calls()));
            }
        }
        watch.check();
    }

    /** Why a call's work is not done at the deadline. */
    CommException overdue(long call) {
        String missing = board.behind(call);
        return new CommException(
                Reason.TIMEOUT,
                who() + " waited " + timeoutNs / NS_PER_MS + " ms in " + board.describe(call)
                        + (missing.isEmpty()
                                ? ", which every rank of this machine called: is a device overloaded or stuck?"
                                : " for rank " + missing
                                        + ", which did not call it: is it stuck, or on another path through the"
                                        + " program?"));
    }

    /** The number of the rank's last call, from 1. */
    long lastCall() {
        return board.calls();
    }

    NcclWatch watch() {
        return watch;
    }

    /** Returns when every rank has called it. Not while a stream is being captured. */
    public void barrier() {
        post(Collective.BARRIER, NcclType.INT64, 0, 0, 0);
        long[] unused = numbers.exchange(0, 0);
    }

    /**
     * Splits the group: ranks with the same colour form a new one, ordered by key, then by their rank here. Every rank calls
     * it. The new group fails when this one does.
     */
    public NcclGroup split(int color, int key) {
        post(Collective.SPLIT, NcclType.INT64, 0, 0, 0);
        long splitNumber = board.calls();
        long[] all = numbers.exchange(color, key);
        List<Long> colors = IntStream.range(0, size())
                .mapToObj(other -> all[2 * other])
                .distinct()
                .toList();
        int[] ordered = IntStream.range(0, size())
                .filter(other -> all[2 * other] == color)
                .boxed()
                .sorted(Comparator.comparingLong((Integer other) -> all[2 * other + 1])
                        .thenComparing(other -> other))
                .mapToInt(Integer::intValue)
                .toArray();
        int colorIndex = colors.indexOf((long) color);
        int[] childMembers = Arrays.stream(ordered).map(other -> members[other]).toArray();
        NcclGroup child = new NcclGroup(watch, device, childMembers, name + "." + splitNumber + "." + colorIndex);
        long parent = nccl.enter();
        try {
            child.create(
                    "ncclCommSplit",
                    made -> Nccl.ncclCommSplit(parent, colorIndex, child.rank, made, new Nccl.Config()));
        } finally {
            nccl.leave("ncclCommSplit", Nccl.SUCCESS);
        }
        return child;
    }

    // ---- the end

    /** Fails the whole group: every rank's pending and later calls throw a {@link CommException} that names the cause. */
    public void abort(Throwable cause) {
        watch.fail(
                cause instanceof CommException failure
                        ? failure
                        : new CommException(Reason.RANK_FAILED, who() + " failed: " + cause, cause));
    }

    /** Leaves the group, when this rank's work in it is done. Idempotent; does not wait for the others. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        nccl.close();
        numbers.close();
    }

    @Override
    public String toString() {
        return "rank " + rank + " of " + size() + " (" + name + ", device " + device.ordinal() + ")";
    }
}
