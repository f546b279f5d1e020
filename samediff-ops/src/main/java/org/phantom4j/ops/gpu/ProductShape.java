package org.phantom4j.ops.gpu;

/**
 * A matrix product in cuBLAS's terms, or several of one shape: C = scale · op(A) op(B), or C += scale · op(A) op(B), all
 * column-major; op(A) is [rows, inner], op(B) [inner, columns], C [rows, columns].
 *
 * @param a where A lies
 * @param b where B lies
 * @param c where C lies; never transposed
 * @param count how many products are computed at once
 * @param scale what each is multiplied by
 * @param adds whether it is added to what C holds
 * @param factorResult whether C is stored as factors are, to be multiplied again, rather than as results are
 */
public record ProductShape(Matrix a, Matrix b, Matrix c, int count, Scale scale, boolean adds, boolean factorResult) {

    /**
     * A matrix as it lies in memory.
     *
     * @param transposed whether the product takes its transpose
     * @param rows values of a column, which lie together
     * @param columns its columns
     * @param stride elements from one column to the next
     * @param gap elements from one product's matrix to the next one's; 0: all products read the same matrix
     */
    public record Matrix(boolean transposed, long rows, long columns, long stride, long gap) {

        /**
         * Checks it.
         *
         * @throws IllegalArgumentException if it is empty, or columns overlap
         */
        public Matrix {
            if (rows < 1 || columns < 1) {
                throw new IllegalArgumentException("a matrix of " + rows + " x " + columns + " has no elements");
            }
            if (stride < rows) {
                throw new IllegalArgumentException(
                        "columns of " + rows + " rows overlap if they lie " + stride + " elements apart");
            }
            if (gap < 0) {
                throw new IllegalArgumentException("matrices lie " + gap + " elements apart; 0 or more are possible");
            }
        }

        private Matrix withStride(long elements) {
            return new Matrix(transposed, rows, columns, elements, gap);
        }

        private Matrix withGap(long elements) {
            return new Matrix(transposed, rows, columns, stride, elements);
        }
    }

    /**
     * What products are multiplied by.
     *
     * @param value the number, if it is known when the product is prepared
     * @param address where on the device it is read whenever the product runs: one real, double in FP64 and float otherwise; 0: it
     *     is the value
     */
    public record Scale(double value, long address) {

        static final Scale ONE = new Scale(1, 0);

        boolean isOnDevice() {
            return address != 0;
        }
    }

    /**
     * Checks it.
     *
     * @throws IllegalArgumentException if C is transposed, there is no product, or several write to the same elements
     */
    public ProductShape {
        if (c.transposed) {
            throw new IllegalArgumentException("a product's result cannot be transposed: exchange A and B instead");
        }
        if (count < 1) {
            throw new IllegalArgumentException("count is " + count + "; at least one product is needed");
        }
        if (count > 1 && c.gap < c.rows) {
            throw new IllegalArgumentException(
                    "results of " + c.rows + " rows overlap if they lie " + c.gap + " elements apart");
        }
    }

    /** op(A) op(B) of dense matrices, stored as a result. */
    public static ProductShape of(boolean transposeA, boolean transposeB, long rows, long columns, long inner) {
        return new ProductShape(
                dense(transposeA, rows, inner),
                dense(transposeB, inner, columns),
                dense(false, rows, columns),
                1,
                Scale.ONE,
                false,
                false);
    }

    /** What op makes a matrix of these rows and columns. */
    private static Matrix dense(boolean transposed, long rows, long columns) {
        return transposed ? new Matrix(true, columns, rows, columns, 0) : new Matrix(false, rows, columns, rows, 0);
    }

    private ProductShape with(Matrix newA, Matrix newB, Matrix newC) {
        return new ProductShape(newA, newB, newC, count, scale, adds, factorResult);
    }

    private ProductShape with(Scale factor) {
        return new ProductShape(a, b, c, count, factor, adds, factorResult);
    }

    /** Rows of C. */
    public long rows() {
        return c.rows;
    }

    /** Columns of C. */
    public long columns() {
        return c.columns;
    }

    /** What is summed over. */
    public long inner() {
        return a.transposed ? a.rows : a.columns;
    }

    /** The same, added to what C holds. */
    public ProductShape added() {
        return new ProductShape(a, b, c, count, scale, true, factorResult);
    }

    /** The same, times a number. */
    public ProductShape times(double factor) {
        return with(new Scale(factor, 0));
    }

    /**
     * The same, times a number on the device, which may change from one run to the next, those of a recorded graph included.
     *
     * @param address of one real, double in FP64 and float otherwise; it must be there as long as the product is run
     */
    public ProductShape timesValueAt(long address) {
        if (address == 0) {
            throw new IllegalArgumentException("a number on the device has an address other than 0");
        }
        return with(new Scale(1, address));
    }

    /**
     * So many of the same, at once.
     *
     * @param products how many
     * @param gapA elements from one A to the next; 0: there is one
     * @param gapB elements from one B to the next; 0: there is one
     * @param gapC elements from one C to the next: at least its rows
     */
    public ProductShape batched(int products, long gapA, long gapB, long gapC) {
        return new ProductShape(a.withGap(gapA), b.withGap(gapB), c.withGap(gapC), products, scale, adds, factorResult);
    }

    /** The same, with A's columns further apart. */
    public ProductShape withStrideA(long stride) {
        return with(a.withStride(stride), b, c);
    }

    /** The same, with B's columns further apart. */
    public ProductShape withStrideB(long stride) {
        return with(a, b.withStride(stride), c);
    }

    /** The same, with C's columns further apart. */
    public ProductShape withStrideC(long stride) {
        return with(a, b, c.withStride(stride));
    }

    /** The same, stored as factors are. */
    public ProductShape asFactor() {
        return new ProductShape(a, b, c, count, scale, adds, true);
    }

    /** Multiply-adds of all products. */
    public long multiplyAdds() {
        return count * rows() * columns() * inner();
    }

    /** What the choice of an algorithm depends on, in words. */
    String key() {
        return (a.transposed ? "T" : "N") + (b.transposed ? "T" : "N") + " " + rows() + "x" + columns() + "x" + inner()
                + " " + a.stride + "," + b.stride + "," + c.stride
                + (count == 1 ? "" : " " + count + " times, " + a.gap + "," + b.gap + "," + c.gap + " apart")
                + (scale.isOnDevice() ? " scaled on the device" : "") + (adds ? " added" : "")
                + (factorResult ? " factor" : "");
    }
}
