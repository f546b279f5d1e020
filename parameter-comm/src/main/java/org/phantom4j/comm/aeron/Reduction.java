package org.phantom4j.comm.aeron;

import java.nio.ByteBuffer;
import org.agrona.BufferUtil;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * A block that its owner makes of the ranks' addends, chunk by chunk, adding in rank order. A chunk of a rank waits in
 * the stream from it until its turn comes: nothing is staged.
 *
 * <p>Adding in rank order makes sums the same bit for bit on every back end. It costs no bytes more than a ring; it
 * does make each chunk wait for the slowest rank before it, where a ring waits for its neighbour only.
 */
final class Reduction {

    /** Bytes of a chunk: what the largest fragment carries. */
    static final int CHUNK_BYTES = (65504 - 32 - Link.HEADER_LENGTH) / 64 * 64;

    private final int rank;
    private final Sums sums = new Sums();
    private final int[] order;
    private int addends;
    private DataType type;
    private long block;
    private long blockBytes;
    private long own;
    private boolean savesOwn;
    private ByteBuffer scratchBuffer;
    private long scratch;
    private long chunkStart;
    private long chunkBytes;
    private long filled;
    private int turn;
    private boolean done;

    Reduction(int rank, int size) {
        this.rank = rank;
        this.order = new int[size];
    }

    /** Starts a block that is there already: nobody adds to it. */
    void none(long bytes) {
        addends = 0;
        chunkStart = bytes;
        done = true;
    }

    /** Starts a block that is copied from one other rank. */
    void copyOf(int source, DataType elementType, long target, long bytes) {
        addends = 1;
        order[0] = source;
        start(elementType, target, bytes, 0);
    }

    /**
     * Starts a block that is the sum of all ranks' addends.
     *
     * @param target address of the sum
     * @param ownAddend address of this rank's addend; may be {@code target}
     */
    void sum(DataType elementType, long target, long bytes, long ownAddend) {
        addends = order.length;
        for (int i = 0; i < addends; i++) {
            order[i] = i;
        }
        if (rank == 1) {
            // a + b = b + a to the bit: start with what is at hand
            order[0] = 1;
            order[1] = 0;
        }
        start(elementType, target, bytes, ownAddend);
    }

    private void start(DataType elementType, long target, long bytes, long ownAddend) {
        type = elementType;
        block = target;
        blockBytes = bytes;
        own = ownAddend;
        savesOwn = own == block && order[0] != rank;
        done = false;
        chunkStart = 0;
        startChunk();
    }

    private void startChunk() {
        turn = 0;
        filled = 0;
        chunkBytes = Math.min(CHUNK_BYTES, blockBytes - chunkStart);
        if (savesOwn) {
            Sums.copy(block + chunkStart, scratch(), chunkBytes);
        }
        takeOwnTurn();
    }

    /** Memory of {@link #CHUNK_BYTES}, free for use with a reduction whose own addend is not where its sum goes. */
    long scratch() {
        if (scratch == 0) {
            scratchBuffer = ByteBuffer.allocateDirect(CHUNK_BYTES);
            scratch = BufferUtil.address(scratchBuffer);
        }
        return scratch;
    }

    boolean done() {
        return done;
    }

    /** Leading bytes of the block that are final. */
    long ready() {
        return chunkStart;
    }

    /** The rank whose addend is next. */
    int next() {
        return done ? -1 : order[turn];
    }

    /** Where in the block the next rank's next bytes belong. */
    long nextOffset() {
        return chunkStart + filled;
    }

    /** Most bytes that the next rank may send in one piece. */
    long nextLimit() {
        return chunkBytes - filled;
    }

    /** Takes the next rank's next bytes. */
    void accept(long address, int length) {
        combine(address, block + chunkStart + filled, length);
        filled += length;
        if (filled == chunkBytes) {
            filled = 0;
            turn++;
            takeOwnTurn();
        }
    }

    private void takeOwnTurn() {
        if (turn < addends && order[turn] == rank) {
            combine(savesOwn ? scratch : own + chunkStart, block + chunkStart, chunkBytes);
            turn++;
        }
        if (turn == addends) {
            chunkStart += chunkBytes;
            done = chunkStart == blockBytes;
            if (!done) {
                startChunk();
            }
        }
    }

    private void combine(long from, long to, long bytes) {
        if (turn > 0) {
            sums.add(type, from, to, bytes);
        } else if (from != to) {
            Sums.copy(from, to, bytes);
        }
    }
}
