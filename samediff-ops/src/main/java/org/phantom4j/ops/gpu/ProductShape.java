package org.phantom4j.ops.gpu;

/**
 * A matrix product in cuBLAS's terms: C = alpha · op(A) op(B) + beta · C, all column-major; op(A) is [rows, columns of C's
 * sum], op(B) [inner, columns].
 *
 * @param transposeA whether op(A) is A's transpose, and A so [inner, rows] in memory
 * @param transposeB whether op(B) is B's transpose, and B so [columns, inner] in memory
 * @param rows rows of C
 * @param columns columns of C
 * @param inner what is summed over
 * @param strideA elements between A's columns in memory
 * @param strideB elements between B's columns in memory
 * @param strideC elements between C's columns in memory
 * @param alpha factor of the product
 * @param beta factor of what C holds before: 0 or 1
 * @param factorResult whether C is stored as factors are, to be multiplied again, rather than as results are
 */
public record ProductShape(
        boolean transposeA,
        boolean transposeB,
        long rows,
        long columns,
        long inner,
        long strideA,
        long strideB,
        long strideC,
        double alpha,
        double beta,
        boolean factorResult) {

    /** op(A) op(B) of dense matrices, stored as a result. */
    public static ProductShape of(boolean transposeA, boolean transposeB, long rows, long columns, long inner) {
        return new ProductShape(
                transposeA,
                transposeB,
                rows,
                columns,
                inner,
                transposeA ? inner : rows,
                transposeB ? columns : inner,
                rows,
                1,
                0,
                false);
    }

    /** The same, added to what C holds. */
    public ProductShape added() {
        return new ProductShape(
                transposeA, transposeB, rows, columns, inner, strideA, strideB, strideC, alpha, 1, factorResult);
    }

    /** The same, times a factor. */
    public ProductShape times(double factor) {
        return new ProductShape(
                transposeA, transposeB, rows, columns, inner, strideA, strideB, strideC, factor, beta, factorResult);
    }

    /** The same, with B's columns further apart. */
    public ProductShape withStrideB(long stride) {
        return new ProductShape(
                transposeA, transposeB, rows, columns, inner, strideA, stride, strideC, alpha, beta, factorResult);
    }

    /** The same, with C's columns further apart. */
    public ProductShape withStrideC(long stride) {
        return new ProductShape(
                transposeA, transposeB, rows, columns, inner, strideA, strideB, stride, alpha, beta, factorResult);
    }

    /** The same, stored as factors are. */
    public ProductShape asFactor() {
        return new ProductShape(
                transposeA, transposeB, rows, columns, inner, strideA, strideB, strideC, alpha, beta, true);
    }

    /** Multiply-adds of the product. */
    public long multiplyAdds() {
        return rows * columns * inner;
    }

    /** What the choice of an algorithm depends on, in words. */
    String key() {
        return (transposeA ? "T" : "N") + (transposeB ? "T" : "N") + " " + rows + "x" + columns + "x" + inner + " "
                + strideA + "," + strideB + "," + strideC + (beta == 0 ? "" : " added")
                + (factorResult ? " factor" : "");
    }
}
