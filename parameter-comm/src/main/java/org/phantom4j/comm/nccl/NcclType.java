package org.phantom4j.comm.nccl;

/** Types of elements that NCCL carries here. */
public enum NcclType {
    FLOAT(7, 4),
    DOUBLE(8, 8),
    INT64(4, 8),
    /** The upper half of a float; sums are rounded to it at every step. */
    BFLOAT16(9, 2);

    final int code;
    final int width;

    NcclType(int code, int width) {
        this.code = code;
        this.width = width;
    }

    /** Bytes of an element. */
    public int width() {
        return width;
    }
}
