package org.phantom4j.layers.ranks;

import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A number that batches with other shapes or values hardly have in common: it depends on the shapes and types of the arrays and
 * on some of their elements. Which elements these are changes from batch to batch.
 */
final class BatchFingerprint {

    private static final long STEP = 0x9E3779B97F4A7C15L;

    private long hash;

    /** @param number of the batch: chooses the elements */
    BatchFingerprint(long number) {
        this.hash = mix(number);
    }

    long value() {
        return hash;
    }

    /**
     * Takes in some arrays.
     *
     * @param samples elements of each
     * @param arrays each may be null; so may the whole
     */
    BatchFingerprint add(int samples, INDArray... arrays) {
        if (arrays == null) {
            return add(-1);
        }
        long start = hash >>> 1;
        for (INDArray array : arrays) {
            add(array == null ? -2 : array.rank());
            if (array != null) {
                addArray(array, samples, start);
            }
        }
        return this;
    }

    private void addArray(INDArray array, int samples, long start) {
        add(array.dataType().name().hashCode());
        for (long size : array.shape()) {
            add(size);
        }
        long length = array.length();
        if (array.isEmpty() || length == 0 || array.dataType() == DataType.UTF8) {
            return;
        }
        long count = Math.min(length, samples);
        long stride = length / count;
        long[] at = new long[array.rank()];
        for (long i = 0; i < count; i++) {
            // one element of each stretch, and another one in each
            long from = i * stride;
            long end = i + 1 == count ? length : from + stride;
            position(from + Math.floorMod(start + i * STEP, end - from), array, at);
            add(Double.doubleToLongBits(array.getDouble(at)));
        }
    }

    /** Where the element of a number lies when the last dimension runs fastest, whatever the order in memory is. */
    private static void position(long number, INDArray array, long[] at) {
        long rest = number;
        for (int d = at.length - 1; d >= 0; d--) {
            at[d] = rest % array.size(d);
            rest /= array.size(d);
        }
    }

    private BatchFingerprint add(long value) {
        hash = mix((hash + STEP) ^ value);
        return this;
    }

    private static long mix(long value) {
        long z = (value ^ (value >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
