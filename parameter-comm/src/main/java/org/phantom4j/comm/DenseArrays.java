package org.phantom4j.comm;

import java.util.Arrays;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.concurrency.AffinityManager.Location;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.executioner.OpExecutioner.ExecutionerType;
import org.nd4j.linalg.factory.Nd4j;

/** What the collectives need of arrays: a dense array seen as one row of elements in memory order. For back ends. */
public final class DenseArrays {

    private DenseArrays() {}

    /** Whether the elements lie in memory without gaps, in 'c' or 'f' order. */
    public static boolean isDense(INDArray array) {
        return isDense(array, 'f') || isDense(array, 'c');
    }

    /** Whether the elements lie in memory without gaps in this order, 'c' or 'f'. */
    public static boolean isDense(INDArray array, char order) {
        long expected = 1;
        for (int i = 0; i < array.rank(); i++) {
            int dimension = order == 'f' ? i : array.rank() - 1 - i;
            if (array.size(dimension) != 1 && array.stride(dimension) != expected) {
                return false;
            }
            expected *= array.size(dimension);
        }
        return true;
    }

    /**
     * {@code length} elements of a dense array from element {@code start} on, as a vector on the same memory.
     *
     * @throws IllegalArgumentException if the array is not dense
     */
    public static INDArray row(INDArray array, long start, long length) {
        requireDense(array);
        return Nd4j.create(array.data(), new long[] {length}, new long[] {1}, array.offset() + start, 'c');
    }

    /** A whole dense array as a vector on the same memory. */
    public static INDArray row(INDArray array) {
        return row(array, 0, array.length());
    }

    /**
     * Refuses what collectives do not carry.
     *
     * @throws IllegalArgumentException if the array is not dense, or of a type that collectives do not carry
     */
    public static void requireDense(INDArray array) {
        if (!isDense(array)) {
            throw new IllegalArgumentException("array of shape " + Arrays.toString(array.shape()) + " and strides "
                    + Arrays.toString(array.stride())
                    + " is not dense: pass a dup() of it, or slice whole columns of an"
                    + " 'f' array (whole rows of a 'c' array)");
        }
        DataType type = array.dataType();
        if (type != DataType.FLOAT && type != DataType.DOUBLE && type != DataType.INT64) {
            throw new IllegalArgumentException("collectives carry FLOAT, DOUBLE and INT64, not " + type);
        }
    }

    /** Whether two arrays of one type start at the same element of memory. */
    public static boolean sameMemory(INDArray a, INDArray b) {
        // on a device, an array may have no host memory at all
        return onDevice() ? a.data().platformAddress() == b.data().platformAddress() : hostAddress(a) == hostAddress(b);
    }

    /**
     * Where an array's first element is in host memory, which a CUDA backend of ND4J brings up to date. Whoever writes there
     * tells ND4J so ({@code AffinityManager.tagLocation}).
     */
    public static long hostAddress(INDArray array) {
        Nd4j.getAffinityManager().ensureLocation(array, Location.HOST);
        long address = array.data().address();
        // the address of a view's buffer is the view's own on CUDA, and that of the whole buffer on the CPU
        return onDevice()
                ? address
                : address + array.offset() * array.dataType().width();
    }

    /** Whether ND4J's arrays are on CUDA devices. */
    public static boolean onDevice() {
        return Nd4j.getExecutioner().type() == ExecutionerType.CUDA;
    }

    /** Work for another thread that uses the device of this one, where ND4J's arrays are on devices. */
    public static Runnable onThisDevice(Runnable work) {
        int device = Nd4j.getAffinityManager().getDeviceForCurrentThread();
        return () -> {
            Nd4j.getAffinityManager().unsafeSetDevice(device);
            work.run();
        };
    }

    /** Where each rank's block starts, and last the total: {@code counts.length + 1} numbers. */
    public static long[] offsets(long... counts) {
        long[] offsets = new long[counts.length + 1];
        for (int i = 0; i < counts.length; i++) {
            offsets[i + 1] = offsets[i] + counts[i];
        }
        return offsets;
    }

    /**
     * The counts of a collective with blocks, checked against its arrays.
     *
     * @param counts as the caller gave them: one for each rank, or none for equal blocks
     * @throws IllegalArgumentException if they do not fit the arrays
     */
    public static long[] counts(INDArray part, INDArray whole, int rank, int size, long... counts) {
        requireDense(part);
        requireDense(whole);
        if (part.dataType() != whole.dataType()) {
            throw new IllegalArgumentException(
                    "part is " + part.dataType() + " but whole is " + whole.dataType() + ": both must be of one type");
        }
        long[] all = counts;
        if (counts.length == 0) {
            all = new long[size];
            Arrays.fill(all, whole.length() / size);
        } else if (counts.length != size) {
            throw new IllegalArgumentException(counts.length + " counts for " + size + " ranks");
        }
        long total = Arrays.stream(all).sum();
        if (total != whole.length() || all[rank] != part.length()) {
            throw new IllegalArgumentException("blocks of " + Arrays.toString(all) + " elements do not fit a whole of "
                    + whole.length() + " and rank " + rank + "'s part of " + part.length() + " elements");
        }
        return all;
    }
}
