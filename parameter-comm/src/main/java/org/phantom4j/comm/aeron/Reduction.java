package org.phantom4j.comm.aeron;

import java.nio.ByteBuffer;
import org.agrona.BufferUtil;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * A block that its owner makes of the ranks' addends, chunk by chunk, adding in pairs as {@link
 * org.phantom4j.comm.Communicator} says. The addends are taken in rank order: a chunk of a rank waits in the stream from
 * it until its turn comes. The sum under way, and one for each open second half of a pair, are all that is kept.
 *
 * <p>A fixed order makes sums the same bit for bit on every back end. It costs no bytes more than a ring; it does make
 * each chunk wait for the slowest rank before it, where a ring waits for its neighbour only.
 */
final class Reduction {

    /** Bytes of a chunk: what the largest fragment carries. */
    static final int CHUNK_BYTES = (65504 - 32 - Link.HEADER_LENGTH) / 64 * 64;

    private final int rank;
    private final Sums sums = new Sums();
    private final int[] order;
    private final PairOrder pairs;
    private final long[] levels;
    private ByteBuffer levelsBuffer;
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
        this.pairs = new PairOrder(size);
        this.levels = new long[pairs.levels()];
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
        if (rank == 1 && pairs.adds(1) && pairs.level(1) == 0) {
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
            Copies.copy(block + chunkStart, scratch(), chunkBytes);
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
        combine(address, filled, length);
        filled += length;
        if (filled == chunkBytes) {
            filled = 0;
            endTurn();
            takeOwnTurn();
        }
    }

    private void takeOwnTurn() {
        if (turn < addends && order[turn] == rank) {
            combine(savesOwn ? scratch : own + chunkStart, 0, chunkBytes);
            endTurn();
        }
        if (turn == addends) {
            chunkStart += chunkBytes;
            done = chunkStart == blockBytes;
            if (!done) {
                startChunk();
            }
        }
    }

    /** Closes the pairs whose last addend this was. */
    private void endTurn() {
        for (int fold = 0; fold < pairs.folds(turn); fold++) {
            int level = pairs.level(turn) - fold;
            sums.add(type, level(level), level(level - 1), chunkBytes);
        }
        turn++;
    }

    /** Takes bytes of the addend whose turn it is, at this offset in the chunk, into the sum that it belongs to. */
    private void combine(long from, long offset, long bytes) {
        long to = level(pairs.level(turn)) + offset;
        if (pairs.adds(turn)) {
            sums.add(type, from, to, bytes);
        } else if (from != to) {
            Copies.copy(from, to, bytes);
        }
    }

    /** The chunk's sum at a depth of pairs: the block itself, or memory of our own. */
    private long level(int level) {
        if (level == 0) {
            return block + chunkStart;
        }
        if (levelsBuffer == null) {
            levelsBuffer = ByteBuffer.allocateDirect((levels.length - 1) * CHUNK_BYTES);
            for (int i = 1; i < levels.length; i++) {
                levels[i] = BufferUtil.address(levelsBuffer) + (long) (i - 1) * CHUNK_BYTES;
            }
        }
        return levels[level];
    }
}
