package org.phantom4j.comm.aeron;

import io.aeron.logbuffer.ControlledFragmentHandler.Action;
import java.util.Arrays;
import org.nd4j.linalg.api.buffer.DataType;
import org.phantom4j.comm.Collective;

/**
 * A collective whose data goes straight from the rank that has it to the ranks that need it, in two stages. In the
 * <em>scatter</em> stage blocks go to their owners, who add them up ({@link Reduction}); in the <em>gather</em> stage each
 * rank's block goes to the others, as far as it is ready. Either stage may be missing, and a block may be empty: then one
 * fragment without data tells the peer what was called.
 */
final class DirectExchange extends Exchange {

    static final int CHUNK_BYTES = Reduction.CHUNK_BYTES;

    private static final long NONE = -1;
    private static final int GATHER = 1;

    final Reduction reduction;

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

    DirectExchange(Group group) {
        super(group);
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

    DirectExchange plan(Collective collective, DataType type, long elements, int blocksHash, int root) {
        signature.set(collective, type, elements, blocksHash, root);
        Arrays.fill(scatterLength, NONE);
        Arrays.fill(addendLength, NONE);
        Arrays.fill(gatherLength, NONE);
        Arrays.fill(blockLength, NONE);
        reduction.none(0);
        copyLast(0, 0, 0);
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

    /** The plan of a barrier: an empty block from everyone to everyone. */
    DirectExchange planBarrier() {
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

    @Override
    void begin() {
        Arrays.fill(scatterSent, NONE);
        Arrays.fill(addendTaken, NONE);
        Arrays.fill(gatherSent, NONE);
        Arrays.fill(blockTaken, NONE);
    }

    @Override
    boolean hasSentAllTo(int peer) {
        return scatterSent[peer] == scatterLength[peer] && gatherSent[peer] == gatherLength[peer];
    }

    @Override
    boolean takesNothing(int peer) {
        return addendLength[peer] == NONE && blockLength[peer] == NONE;
    }

    @Override
    boolean sendOne(Link link, int peer) {
        boolean scatters = scatterSent[peer] != scatterLength[peer];
        // a sum that was just made is still in the cache
        if (scatters && (reduction.done() || readyFor(peer) <= 0)) {
            return sendAddendPart(link, peer);
        }
        return gatherSent[peer] != gatherLength[peer] && sendBlockPart(link, peer);
    }

    private boolean sendAddendPart(Link link, int peer) {
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

    private boolean sendBlockPart(Link link, int peer) {
        long offset = Math.max(0, gatherSent[peer]);
        int length = (int) Math.min(link.maxData(), readyFor(peer));
        boolean waits = length <= 0 && gatherLength[peer] > 0;
        if (waits || !link.send(2 * sequence + GATHER, signature, offset, gatherAddress + offset, length)) {
            return false;
        }
        gatherSent[peer] = offset + length;
        return true;
    }

    /** Bytes of this rank's block that are ready, and not sent to a peer; 0 or less if none are. */
    private long readyFor(int peer) {
        return Math.min(reduction.ready(), gatherLength[peer]) - Math.max(0, gatherSent[peer]);
    }

    @Override
    boolean hasAllFrom(int peer) {
        return addendTaken[peer] == addendLength[peer] && blockTaken[peer] == blockLength[peer];
    }

    @Override
    Action take(int peer, int stage, long offset, long address, int length) {
        return stage == GATHER
                ? takeBlockPart(peer, offset, address, length)
                : takeAddendPart(peer, offset, address, length);
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
        Copies.copy(address, blockAddress[peer] + offset, length);
        blockTaken[peer] = offset + length;
        return Action.COMMIT;
    }

    @Override
    boolean waitsFor(int peer) {
        boolean addendIsDue = addendTaken[peer] != addendLength[peer] && reduction.next() == peer;
        boolean blockIsDue = blockTaken[peer] != blockLength[peer] && addendTaken[peer] == addendLength[peer];
        boolean sendIsStuck = scatterSent[peer] != scatterLength[peer];
        return addendIsDue || blockIsDue || sendIsStuck;
    }

    @Override
    void release() {
        group.release(this);
    }
}
