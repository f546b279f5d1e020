package org.phantom4j.comm.aeron;

/** Where the ranks' blocks of an array lie. */
final class Blocks {

    /** In elements, with the end of the last. */
    private final long[] offsets;

    private long address;
    private int width;

    /** @param offsets of the blocks in elements, and the end of the last; may change before each {@link #of} */
    Blocks(long[] offsets) {
        this.offsets = offsets;
    }

    Blocks of(long arrayAddress, int elementWidth) {
        address = arrayAddress;
        width = elementWidth;
        return this;
    }

    long address(int block) {
        return address + offsets[block] * width;
    }

    long bytes(int block) {
        return bytes(block, block + 1);
    }

    long bytes(int from, int to) {
        return (offsets[to] - offsets[from]) * width;
    }

    long totalBytes() {
        return bytes(0, offsets.length - 1);
    }
}
