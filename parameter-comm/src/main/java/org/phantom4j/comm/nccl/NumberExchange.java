package org.phantom4j.comm.nccl;

import com.sun.jna.Memory;
import org.phantom4j.comm.CommException;
import org.phantom4j.comm.CommException.Reason;
import org.phantom4j.comm.cuda.CudaStream;
import org.phantom4j.comm.cuda.DeviceMemory;

/**
 * Numbers that the ranks of a group hand to one another, on a stream of its own, and with them the state of their calls: what
 * a group's barrier and split are made of. Belongs to the rank's thread.
 */
final class NumberExchange implements AutoCloseable {

    /** What each rank hands to the others: the state of its calls, and two numbers. */
    private static final int EXCHANGED = 4;

    private static final int BYTES = EXCHANGED * Long.BYTES;

    private final NcclGroup group;
    private final NcclHandle nccl;
    private final CallBoard board;
    private CudaStream stream;
    private DeviceMemory memory;

    NumberExchange(NcclGroup group, NcclHandle nccl, CallBoard board) {
        this.group = group;
        this.nccl = nccl;
        this.board = board;
    }

    /**
     * Hands two numbers of each rank to every rank, and sees to it that all have made the same calls before.
     *
     * @return two numbers for each rank
     */
    long[] exchange(long first, long second) {
        long whole = (long) group.size() * BYTES;
        if (memory == null) {
            group.device().bind();
            stream = CudaStream.create();
            memory = DeviceMemory.allocate(whole);
        }
        try (Memory host = new Memory(whole)) {
            long[] own = {board.calls(), board.hash(), first, second};
            host.write(0, own, 0, EXCHANGED);
            long block = memory.address() + (long) group.rank() * BYTES;
            stream.copy(block, DeviceMemory.addressOf(host), BYTES);
            long handle = nccl.enter();
            nccl.leave(
                    "ncclAllGather",
                    Nccl.ncclAllGather(
                            block, memory.address(), EXCHANGED, NcclType.INT64.code, handle, stream.handle()));
            group.await(stream);
            stream.copy(DeviceMemory.addressOf(host), memory.address(), whole);
            group.await(stream);
            return numbers(host.getLongArray(0, group.size() * EXCHANGED), own);
        }
    }

    private long[] numbers(long[] all, long[] own) {
        long[] result = new long[2 * group.size()];
        for (int other = 0; other < group.size(); other++) {
            int at = other * EXCHANGED;
            if (all[at] != own[0] || all[at + 1] != own[1]) {
                throw group.watch()
                        .fail(new CommException(
                                Reason.MISMATCH,
                                "ranks " + group.rank() + " and " + other + " have not made the same " + (own[0] - 1)
                                        + " collectives before this one: all ranks must call the same collectives in"
                                        + " the same order"));
            }
            result[2 * other] = all[at + 2];
            result[2 * other + 1] = all[at + 3];
        }
        return result;
    }

    @Override
    public void close() {
        if (memory != null) {
            memory.close();
            stream.close();
        }
    }
}
