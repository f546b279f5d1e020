package org.phantom4j.comm.aeron;

import java.util.Arrays;
import java.util.List;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.nd4j.linalg.api.buffer.DataType;
import org.phantom4j.comm.Collective;

/**
 * What a rank calls: ranks must agree on all of it. Reused from call to call; 24 bytes of every fragment.
 *
 * <pre>
 * 0 elements (8) | 8 hash of the block lengths, 0 if equal (4) | 12 root (4) | 16 collective (1) | 17 type (1) | 18 zero
 * </pre>
 */
final class Signature {

    static final int LENGTH = 24;

    /** What numbers stand for on the wire: append only. */
    private static final List<Collective> COLLECTIVES = List.of(
            Collective.ALL_GATHER,
            Collective.REDUCE_SCATTER,
            Collective.ALL_REDUCE,
            Collective.BROADCAST,
            Collective.BARRIER,
            Collective.SPLIT);

    private static final List<DataType> TYPES = List.of(DataType.FLOAT, DataType.DOUBLE, DataType.INT64);

    private Collective collective;
    private DataType type;
    private long elements;
    private int blocksHash;
    private int root;
    private long codes;

    Signature set(Collective collective, DataType type, long elements, int blocksHash, int root) {
        this.collective = collective;
        this.type = type;
        this.elements = elements;
        this.blocksHash = blocksHash;
        this.root = root;
        this.codes = COLLECTIVES.indexOf(collective) | (long) TYPES.indexOf(type) << 8;
        return this;
    }

    DataType type() {
        return type;
    }

    Collective collective() {
        return collective;
    }

    /** 0 for blocks of one length, as every rank derives those from the total. */
    static int blocksHash(long[] counts) {
        for (long count : counts) {
            if (count != counts[0]) {
                return Arrays.hashCode(counts) | 1;
            }
        }
        return 0;
    }

    void encode(MutableDirectBuffer buffer, int offset) {
        buffer.putLong(offset, elements);
        buffer.putInt(offset + 8, blocksHash);
        buffer.putInt(offset + 12, root);
        buffer.putLong(offset + 16, codes);
    }

    boolean matches(DirectBuffer buffer, int offset) {
        return buffer.getLong(offset) == elements
                && buffer.getInt(offset + 8) == blocksHash
                && buffer.getInt(offset + 12) == root
                && buffer.getLong(offset + 16) == codes;
    }

    /** The signature of a fragment; null if it holds none. */
    static Signature decode(DirectBuffer buffer, int offset) {
        int collective = buffer.getByte(offset + 16);
        int type = buffer.getByte(offset + 17);
        if (collective < 0 || collective >= COLLECTIVES.size() || type < 0 || type >= TYPES.size()) {
            return null;
        }
        return new Signature()
                .set(
                        COLLECTIVES.get(collective),
                        TYPES.get(type),
                        buffer.getLong(offset),
                        buffer.getInt(offset + 8),
                        buffer.getInt(offset + 12));
    }

    @Override
    public String toString() {
        return switch (collective) {
            case BARRIER, SPLIT -> collective.toString();
            case BROADCAST -> collective + " of " + elements + " " + type + " from rank " + root;
            default -> collective + " of " + elements + " " + type + (blocksHash == 0 ? "" : " in uneven blocks");
        };
    }
}
