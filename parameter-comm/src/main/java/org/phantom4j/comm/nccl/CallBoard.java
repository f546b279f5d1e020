package org.phantom4j.comm.nccl;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.phantom4j.comm.CommException;
import org.phantom4j.comm.CommException.Reason;

/**
 * Where the ranks of a group that share a machine write down each call before they make it. NCCL does not notice when ranks
 * call different collectives: it hangs or gives a wrong sum. Here each rank writes its call and then reads the others': of two
 * ranks that disagree the later one sees it, and does not call NCCL, so that nothing wrong is ever computed. That takes under
 * a microsecond and waits for nobody, unless a rank is {@link #SLOTS} calls ahead.
 *
 * <pre>
 * of each rank: SLOTS times  0 number of the call, from 1 (8) | 8 code (8) | 16 elements (8) | 24 zero
 * </pre>
 *
 * <p>Belongs to the rank's thread, but for {@link #behind}.
 */
final class CallBoard {

    /** How many calls the fastest rank may be ahead of the slowest. */
    static final int SLOTS = 1024;

    private static final int SLOT_BYTES = 32;
    private static final int CODE = 8;
    private static final int ELEMENTS = 16;
    private static final long PARK_NS = 20_000;
    private static final long HASH_FACTOR = 0x9E3779B97F4A7C15L;

    private static final VarHandle LONGS = MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.nativeOrder());

    private final ByteBuffer memory;
    private final int rank;
    private final int size;
    private final boolean[] shares;
    private long calls;
    private long hash;

    /**
     * A rank's view of the board.
     *
     * @param memory of {@link #bytes} bytes, zero at first
     * @param shares which ranks write to the same memory
     */
    CallBoard(ByteBuffer memory, int rank, boolean[] shares) {
        this.memory = memory;
        this.rank = rank;
        this.size = shares.length;
        this.shares = shares;
    }

    static int bytes(int ranks) {
        return Math.multiplyExact(ranks, SLOTS * SLOT_BYTES);
    }

    private static int slot(int ofRank, long call) {
        return (int) ((ofRank * (long) SLOTS + call % SLOTS) * SLOT_BYTES);
    }

    /** Calls so far. */
    long calls() {
        return calls;
    }

    /** Differs, but for an unlikely accident, between ranks whose calls so far differ. */
    long hash() {
        return hash;
    }

    /**
     * Writes down the rank's next call.
     *
     * @throws CommException MISMATCH if another rank made a different one; TIMEOUT if another is too far behind
     */
    void post(long code, long elements, long timeoutNs, Runnable check) {
        long call = ++calls;
        hash = ((hash + code) * HASH_FACTOR + elements) * HASH_FACTOR;
        if (size == 1) {
            return;
        }
        awaitRoom(call, timeoutNs, check);
        int own = slot(rank, call);
        memory.putLong(own + CODE, code);
        memory.putLong(own + ELEMENTS, elements);
        LONGS.setVolatile(memory, own, call);
        for (int other = 0; other < size; other++) {
            if (other != rank && shares[other]) {
                compare(other, call, code, elements);
            }
        }
    }

    private void compare(int other, long call, long code, long elements) {
        int slot = slot(other, call);
        if ((long) LONGS.getVolatile(memory, slot) != call) {
            // it is not there yet, and will compare itself
            return;
        }
        long otherCode = memory.getLong(slot + CODE);
        long otherElements = memory.getLong(slot + ELEMENTS);
        if (otherCode != code || otherElements != elements) {
            throw new CommException(
                    Reason.MISMATCH,
                    "collective number " + (call - 1) + ": rank " + rank + " called " + Call.text(code, elements)
                            + " but rank " + other + " called " + Call.text(otherCode, otherElements)
                            + ": all ranks must call the same collectives in the same order");
        }
    }

    /** A slot is used again when every rank has made the call after the one that is in it: then all have compared it. */
    private void awaitRoom(long call, long timeoutNs, Runnable check) {
        if (call <= SLOTS) {
            return;
        }
        long beganNs = System.nanoTime();
        for (int other = 0; other < size; other++) {
            while (other != rank && shares[other] && !hasMade(other, call - SLOTS + 1)) {
                check.run();
                if (System.nanoTime() - beganNs > timeoutNs) {
                    throw new CommException(
                            Reason.TIMEOUT,
                            "rank " + rank + " waited " + timeoutNs / 1_000_000 + " ms in collective number "
                                    + (call - 1)
                                    + " for rank " + other + ", which is " + SLOTS
                                    + " collectives behind: is it stuck, or on another path through the program?");
                }
                LockSupport.parkNanos(PARK_NS);
            }
        }
    }

    /** Whether a rank has made a call that is not older than its last {@link #SLOTS}. */
    private boolean hasMade(int other, long call) {
        return (long) LONGS.getVolatile(memory, slot(other, call)) >= call;
    }

    /** The ranks that have not made a call yet, for messages; empty if all have, or are on other machines. */
    String behind(long call) {
        return IntStream.range(0, size)
                .filter(other -> other != rank && shares[other] && !hasMade(other, call))
                .mapToObj(Integer::toString)
                .collect(Collectors.joining(", "));
    }

    /** The rank's call of this number, from 1, if it is one of the last {@link #SLOTS}. */
    String describe(long call) {
        int own = slot(rank, call);
        return size == 1 || (long) LONGS.getVolatile(memory, own) != call
                ? "collective number " + (call - 1)
                : "collective number " + (call - 1) + " ("
                        + Call.text(memory.getLong(own + CODE), memory.getLong(own + ELEMENTS)) + ")";
    }
}
