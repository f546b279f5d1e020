package org.phantom4j.comm.cuda;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import java.util.Arrays;

/** What tells the copy engine of Hopper GPUs how an array lies in memory; passed to kernels by value. */
public final class TensorMap {

    private static final int BYTES = 128;
    private static final int BFLOAT16 = 9;
    private static final int NO_INTERLEAVE = 0;
    private static final int SWIZZLE_128_BYTES = 3;
    private static final int PROMOTE_TO_256_BYTES = 3;
    private static final int FILL_WITH_ZEROS = 0;

    private TensorMap() {}

    /**
     * An array of bfloat16 of two to five dimensions, the first of which is contiguous. A box of it comes to shared memory with its
     * rows' pieces of 16 bytes swizzled by 128 bytes, and zeros where there is nothing.
     *
     * @param address of the first element, a multiple of 16
     * @param sizes of the dimensions
     * @param strideBytes of each dimension but the first, multiples of 16
     * @param box of what is copied at once; 64 elements of the first dimension, at most 256 of any
     */
    public static byte[] ofBfloat16(long address, long[] sizes, long[] strideBytes, int[] box) {
        int[] everyElement = new int[sizes.length];
        Arrays.fill(everyElement, 1);
        try (Memory memory = new Memory(2L * BYTES)) {
            // the driver wants 64 bytes' alignment
            long skip = -Pointer.nativeValue(memory) & 63;
            CudaDriver.check(
                    "cuTensorMapEncodeTiled of " + Arrays.toString(sizes) + ", strides " + Arrays.toString(strideBytes),
                    CudaDriver.cuTensorMapEncodeTiled(
                            memory.share(skip),
                            BFLOAT16,
                            sizes.length,
                            address,
                            sizes,
                            strideBytes,
                            box,
                            everyElement,
                            NO_INTERLEAVE,
                            SWIZZLE_128_BYTES,
                            PROMOTE_TO_256_BYTES,
                            FILL_WITH_ZEROS));
            return memory.getByteArray(skip, BYTES);
        }
    }
}
