package org.phantom4j.comm.aeron;

import io.aeron.logbuffer.ControlledFragmentHandler.Action;
import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.agrona.DirectBuffer;
import org.nd4j.linalg.api.buffer.DataType;
import org.phantom4j.comm.Collective;
import org.phantom4j.comm.CommException;
import org.phantom4j.comm.CommException.Reason;
import org.phantom4j.comm.Pending;

/**
 * One collective on one rank: a plan of two stages, and how far each peer is with it. In the <em>scatter</em> stage
 * blocks go to their owners, who add them up ({@link Reduction}); in the <em>gather</em> stage each rank's block goes to
 * the others, as far as it is ready. Either stage may be missing, and a block may be empty: then one fragment without
 * data tells the peer what was called. Reused from call to call; belongs to its rank's thread.
 */
final class Exchange implements Pending {

    static final int CHUNK_BYTES = Reduction.CHUNK_BYTES;

    /** Fragments sent to, and taken from, a peer before the next peer has its turn. */
    private static final int BATCH = 4;

    private static final long NONE = -1;
    private static final int GATHER = 1;

    final Signature signature = new Signature();
    final Reduction reduction;
    private final Group group;
    private final int rank;
    private final int size;
    private long sequence;

    // what goes to each peer and comes from it in each stage: address, length, and how much is done; NONE before the
    // first fragment, and as the length of what the plan does not hold
    private final long[] scatterAddress;
    private final long[] scatterLength;
    private final long[] scatterSent;
    private final long[] addendLength;
    private final long[] addendTaken;
    private final long[] gatherLength;
    private final long[] gatherSent;
    private final long[] blockAddress;
    private final long[] blockLength;
    private final long[] blockTaken;
    private long gatherAddress;

    // a copy within this rank that waits until everything is sent and taken
    private long lastFrom;
    private long lastTo;
    private long lastBytes;

    // the arrays behind the addresses, so that their memory is not freed under way
    private Object reads;
    private Object writes;

    private int openLinks;
    private boolean active;
    private boolean complete;
    private CommException problem;

    Exchange(Group group) {
        this.group = group;
        this.rank = group.rank;
        this.size = group.size;
        this.reduction = new Reduction(rank, size);
        this.scatterAddress = new long[size];
        this.scatterLength = new long[size];
        this.scatterSent = new long[size];
        this.addendLength = new long[size];
        this.addendTaken = new long[size];
        this.gatherLength = new long[size];
        this.gatherSent = new long[size];
        this.blockAddress = new long[size];
        this.blockLength = new long[size];
        this.blockTaken = new long[size];
    }

    // --- the plan

    Exchange plan(Collective collective, DataType type, long elements, int blocksHash, int root) {
        signature.set(collective, type, elements, blocksHash, root);
        Arrays.fill(scatterLength, NONE);
        Arrays.fill(addendLength, NONE);
        Arrays.fill(gatherLength, NONE);
        Arrays.fill(blockLength, NONE);
        reduction.none(0);
        lastBytes = 0;
        return this;
    }

    /** In the scatter stage, send {@code bytes} at {@code address} to {@code peer}. */
    void scatter(int peer, long address, long bytes) {
        scatterAddress[peer] = address;
        scatterLength[peer] = bytes;
    }

    /** In the scatter stage, take {@code bytes} for the reduction from {@code peer}. */
    void takeAddend(int peer, long bytes) {
        addendLength[peer] = bytes;
    }

    /** This rank's block, sent in the gather stage as far as the reduction has made it. */
    void gatherFrom(long address) {
        gatherAddress = address;
    }

    /** In the gather stage, send {@code bytes} of this rank's block to {@code peer}. */
    void gather(int peer, long bytes) {
        gatherLength[peer] = bytes;
    }

    /** In the gather stage, take the block of {@code peer}. */
    void takeBlock(int peer, long address, long bytes) {
        blockAddress[peer] = address;
        blockLength[peer] = bytes;
    }

    /** Keeps the owners of the plan's memory reachable until the collective has been awaited. */
    Exchange keep(Object read, Object written) {
        reads = read;
        writes = written;
        return this;
    }

    /** When everything is sent and taken, copy within this rank. */
    void copyLast(long from, long to, long bytes) {
        lastFrom = from;
        lastTo = to;
        lastBytes = from == to ? 0 : bytes;
    }

    /** The plan of a barrier: an empty block from everyone to everyone. */
    Exchange planBarrier() {
        plan(Collective.BARRIER, DataType.INT64, 0, 0, 0);
        for (int peer = 0; peer < size; peer++) {
            if (peer != rank) {
                gather(peer, 0);
                takeBlock(peer, 0, 0);
            }
        }
        return this;
    }

    // --- its execution

    /** Starts the plan as the group's collective of this number. */
    void start(long number) {
        sequence = number;
        Arrays.fill(scatterSent, NONE);
        Arrays.fill(addendTaken, NONE);
        Arrays.fill(gatherSent, NONE);
        Arrays.fill(blockTaken, NONE);
        openLinks = 2 * (size - 1);
        for (int peer = 0; peer < size; peer++) {
            openLinks -= peer != rank && takesNothing(peer) ? 1 : 0;
        }
        active = true;
        complete = false;
        problem = null;
    }

    boolean complete() {
        return complete;
    }

    /** Sends and takes what is possible now; returns how many fragments that were. */
    int progress() {
        int work = 0;
        for (int i = 1; i < size; i++) {
            int to = (rank + i) % size;
            work += sendTo(group.link(to), to);
            int from = (rank - i + size) % size;
            work += takeFrom(group.link(from), from);
        }
        if (openLinks == 0 && !complete && isTurnOnSilentLinks()) {
            Sums.copy(lastFrom, lastTo, lastBytes);
            complete = true;
            for (int peer = 0; peer < size; peer++) {
                if (peer != rank && takesNothing(peer)) {
                    group.link(peer).receiving++;
                }
            }
        }
        return work;
    }

    /** Whether all earlier collectives have taken what is theirs from the peers that this one takes nothing from. */
    private boolean isTurnOnSilentLinks() {
        for (int peer = 0; peer < size; peer++) {
            if (peer != rank && takesNothing(peer) && group.link(peer).receiving != sequence) {
                return false;
            }
        }
        return true;
    }

    private boolean takesNothing(int peer) {
        return addendLength[peer] == NONE && blockLength[peer] == NONE;
    }

    private int sendTo(Link link, int peer) {
        if (link.sending != sequence) {
            return 0;
        }
        int sent = 0;
        while (sent < BATCH && sendOne(link, peer)) {
            sent++;
        }
        if (scatterSent[peer] == scatterLength[peer] && gatherSent[peer] == gatherLength[peer]) {
            link.sending++;
            openLinks--;
        }
        return sent;
    }

    private boolean sendOne(Link link, int peer) {
        if (scatterSent[peer] != scatterLength[peer]) {
            long offset = Math.max(0, scatterSent[peer]);
            // an addend is cut where the receiver's chunks are, so that they can be added in turn
            long chunkLeft = CHUNK_BYTES - offset % CHUNK_BYTES;
            int length = (int) Math.min(link.maxData(), Math.min(chunkLeft, scatterLength[peer] - offset));
            if (!link.send(2 * sequence, signature, offset, scatterAddress[peer] + offset, length)) {
                return false;
            }
            scatterSent[peer] = offset + length;
            return true;
        }
        if (gatherSent[peer] != gatherLength[peer]) {
            long offset = Math.max(0, gatherSent[peer]);
            long ready = Math.min(reduction.ready(), gatherLength[peer]) - offset;
            int length = (int) Math.min(link.maxData(), ready);
            boolean waits = length <= 0 && gatherLength[peer] > 0;
            if (waits || !link.send(2 * sequence + GATHER, signature, offset, gatherAddress + offset, length)) {
                return false;
            }
            gatherSent[peer] = offset + length;
            return true;
        }
        return false;
    }

    private int takeFrom(Link link, int peer) {
        if (link.receiving != sequence) {
            return 0;
        }
        int taken = 0;
        // where nothing is to come, look for what should not: a peer that called something else
        if (!hasAllFrom(peer) || takesNothing(peer)) {
            taken = link.receive(this, BATCH);
            if (problem != null) {
                throw group.rank().health().fail(problem);
            }
        }
        if (hasAllFrom(peer) && !takesNothing(peer)) {
            link.receiving++;
            openLinks--;
        }
        return taken;
    }

    private boolean hasAllFrom(int peer) {
        return addendTaken[peer] == addendLength[peer] && blockTaken[peer] == blockLength[peer];
    }

    /** Takes one fragment; what is wrong with it is kept, as Aeron would swallow an exception. */
    Action onFragment(Link link, long step, long offset, DirectBuffer buffer, int start, int length) {
        int peer = link.peer;
        boolean later = step >> 1 > sequence;
        if (later && hasAllFrom(peer)) {
            return Action.ABORT;
        }
        if (step >> 1 != sequence || hasAllFrom(peer) || !signature.matches(buffer, start)) {
            problem = mismatch(peer, step >> 1, Signature.decode(buffer, start));
            return Action.ABORT;
        }
        int dataLength = length - Link.HEADER_LENGTH;
        long address = buffer.addressOffset() + start + Signature.LENGTH;
        return (step & 1) == GATHER
                ? takeBlockPart(peer, offset, address, dataLength)
                : takeAddendPart(peer, offset, address, dataLength);
    }

    private Action takeAddendPart(int peer, long offset, long address, int length) {
        if (reduction.next() != peer) {
            return Action.ABORT;
        }
        if (offset != reduction.nextOffset() || length > reduction.nextLimit()) {
            return damaged(peer, offset, length);
        }
        reduction.accept(address, length);
        addendTaken[peer] = offset + length;
        return Action.COMMIT;
    }

    private Action takeBlockPart(int peer, long offset, long address, int length) {
        if (offset != Math.max(0, blockTaken[peer]) || offset + length > blockLength[peer]) {
            return damaged(peer, offset, length);
        }
        Sums.copy(address, blockAddress[peer] + offset, length);
        blockTaken[peer] = offset + length;
        return Action.COMMIT;
    }

    private Action damaged(int peer, long offset, int length) {
        problem = new CommException(
                Reason.RANK_FAILED,
                "collective number " + sequence + ": rank " + group.name(peer) + " sent " + length + " bytes from byte "
                        + offset + " on, which is not what comes next: the stream was damaged");
        return Action.ABORT;
    }

    private CommException mismatch(int peer, long theirSequence, Signature theirs) {
        String called = theirs == null ? "something unknown" : theirs.toString();
        String which = theirSequence == sequence ? "" : " as its collective number " + theirSequence;
        return new CommException(
                Reason.MISMATCH,
                "collective number " + sequence + ": rank " + rank + " called " + signature + " but rank " + peer
                        + " called " + called + which + ": all ranks must call the same collectives in the same order");
    }

    /** The peers that this rank still waits for, by their numbers in the group. */
    List<Integer> missing() {
        List<Integer> peers = new ArrayList<>();
        for (int peer = 0; peer < size; peer++) {
            boolean addendIsDue = addendTaken[peer] != addendLength[peer] && reduction.next() == peer;
            boolean blockIsDue = blockTaken[peer] != blockLength[peer] && addendTaken[peer] == addendLength[peer];
            boolean sendIsStuck = scatterSent[peer] != scatterLength[peer];
            if (peer != rank && (addendIsDue || blockIsDue || sendIsStuck)) {
                peers.add(peer);
            }
        }
        return peers;
    }

    @Override
    public void await() {
        if (!active) {
            throw new IllegalStateException("this handle was awaited before: await each handle once");
        }
        try {
            group.await(this);
        } finally {
            active = false;
            Reference.reachabilityFence(reads);
            Reference.reachabilityFence(writes);
        }
        reads = null;
        writes = null;
        group.release(this);
    }

    @Override
    public String toString() {
        return signature + " (collective number " + sequence + ")";
    }
}
