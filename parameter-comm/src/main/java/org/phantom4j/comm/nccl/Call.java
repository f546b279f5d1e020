package org.phantom4j.comm.nccl;

import java.util.List;
import org.phantom4j.comm.Collective;

/** What a rank calls, in two numbers: ranks must agree on both. */
final class Call {

    private static final List<Collective> COLLECTIVES = List.of(Collective.values());
    private static final List<NcclType> TYPES = List.of(NcclType.values());
    private static final int TYPE_SHIFT = 8;
    private static final int ROOT_SHIFT = 16;
    private static final int BLOCKS_SHIFT = 32;
    private static final int BYTE = 0xff;
    private static final int ROOT_MASK = 0xffff;

    /** The code of a recorded step; its elements are the batch's rows. */
    static final long STEP = BYTE;

    private Call() {}

    /**
     * Everything but the number of elements.
     *
     * @param root less than 65536, which NCCL's ranks are
     * @param blocks hash of the lengths of blocks, 0 if they are equal
     */
    static long code(Collective collective, NcclType type, int root, int blocks) {
        return COLLECTIVES.indexOf(collective)
                | (long) TYPES.indexOf(type) << TYPE_SHIFT
                | (long) (root & ROOT_MASK) << ROOT_SHIFT
                | (long) blocks << BLOCKS_SHIFT;
    }

    /** As in "all-reduce of 64 FLOAT". */
    static String text(long code, long elements) {
        if (code == STEP) {
            return "a step on a batch of " + elements + " rows";
        }
        Collective collective = COLLECTIVES.get((int) code & BYTE);
        String what = collective + " of " + elements + " " + TYPES.get((int) (code >> TYPE_SHIFT) & BYTE);
        return switch (collective) {
            case BARRIER, SPLIT -> collective.toString();
            case BROADCAST -> what + " from rank " + ((code >> ROOT_SHIFT) & ROOT_MASK);
            default -> code >> BLOCKS_SHIFT == 0 ? what : what + " in uneven blocks";
        };
    }
}
