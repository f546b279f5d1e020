package org.phantom4j.ops;

import java.util.Objects;
import org.nd4j.linalg.api.blas.params.MMulTranspose;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.reduce.Mmul;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.comm.DenseArrays;

/**
 * The matrix products of the ops, into and out of views, without copies: any matrix with one dense dimension will do.
 * Counts the multiply-adds of each thread, so that a formula can be checked against what was done.
 */
public final class Products {

    private static final ThreadLocal<long[]> MULTIPLY_ADDS = ThreadLocal.withInitial(() -> new long[1]);

    private static final MMulTranspose NN = transposes(false, false);
    private static final MMulTranspose NT = transposes(false, true);
    private static final MMulTranspose TN = transposes(true, false);

    private Products() {}

    private static MMulTranspose transposes(boolean a, boolean b) {
        return MMulTranspose.builder().transposeA(a).transposeB(b).build();
    }

    /** Multiply-adds that the current thread has done here since it started. */
    public static long multiplyAdds() {
        return MULTIPLY_ADDS.get()[0];
    }

    /** target = a b, or target += a b if {@code add}. */
    public static void multiply(INDArray a, INDArray b, INDArray target, boolean add) {
        run(a, b, target, add, NN);
        count(a.size(0), a.size(1), b.size(1));
    }

    /** target = a bᵀ, or target += a bᵀ if {@code add}. */
    public static void multiplyByTransposed(INDArray a, INDArray b, INDArray target, boolean add) {
        run(a, b, target, add, NT);
        count(a.size(0), a.size(1), b.size(0));
    }

    /** target = aᵀ b. */
    public static void multiplyTransposed(INDArray a, INDArray b, INDArray target) {
        run(a, b, target, false, TN);
        count(a.size(1), a.size(0), b.size(1));
    }

    /** A column of ones, one for each row of {@code matrix}. */
    static INDArray onesFor(INDArray matrix) {
        return Nd4j.ones(matrix.dataType(), matrix.size(0), 1);
    }

    /** Every row of target = row. As a product with ones: faster than ND4J's broadcast. */
    static void fillRows(INDArray ones, INDArray row, INDArray target) {
        run(ones, row.reshape(1, row.length()), target, false, NN);
    }

    /** row = the sum of the rows of a. */
    static void sumRows(INDArray ones, INDArray a, INDArray row) {
        run(ones, a, row.reshape(1, row.length()), false, TN);
    }

    /**
     * sum += a, of dense arrays in the same order. On the CPU, BLAS's axpy and not ND4J's add: between products, the threads
     * of ND4J's own operations, which spin for a while when they are done, would take the processors from those of BLAS.
     */
    public static void add(INDArray a, INDArray sum) {
        if (DenseArrays.onDevice()) {
            sum.addi(a);
            return;
        }
        Nd4j.getBlasWrapper().level1().axpy(a.length(), 1.0, DenseArrays.row(a), DenseArrays.row(sum));
    }

    /** to = from, of one shape: by BLAS where both are dense in 'f' order, for {@link #add}'s reason. */
    static void copy(INDArray from, INDArray to) {
        if (!DenseArrays.onDevice() && DenseArrays.isDense(from, 'f') && DenseArrays.isDense(to, 'f')) {
            Nd4j.getBlasWrapper().level1().copy(DenseArrays.row(from), DenseArrays.row(to));
        } else {
            to.assign(from);
        }
    }

    private static void run(INDArray a, INDArray b, INDArray target, boolean add, MMulTranspose transposes) {
        Nd4j.exec(new Mmul(a, b, target, 1.0, add ? 1.0 : 0.0, transposes));
    }

    private static void count(long m, long k, long n) {
        MULTIPLY_ADDS.get()[0] += m * k * n;
    }

    /** {@code count} columns of a matrix from {@code start} on, as a view. */
    public static INDArray columns(INDArray matrix, long start, long count) {
        Objects.checkFromIndexSize(start, count, matrix.size(1));
        return view(matrix, matrix.size(0), count, start * matrix.stride(1));
    }

    /** {@code count} rows of a matrix from {@code start} on, as a view. */
    public static INDArray rows(INDArray matrix, long start, long count) {
        Objects.checkFromIndexSize(start, count, matrix.size(0));
        return view(matrix, count, matrix.size(1), start * matrix.stride(0));
    }

    /** Not INDArray.get: that takes the rows of a matrix with gaps in both dimensions for empty. */
    private static INDArray view(INDArray matrix, long rows, long columns, long skipped) {
        return Nd4j.create(
                matrix.data(),
                new long[] {rows, columns},
                matrix.stride(),
                matrix.offset() + skipped,
                matrix.ordering());
    }
}
