package org.phantom4j.ops.gpu;

/**
 * What products are computed in, and what is stored. Values that leave a product, gradients, losses and updates are float,
 * and double in FP64.
 */
public enum Precision {
    /** Double everywhere. */
    FP64(1, 1, 70, 8, 8),
    /** Float everywhere. */
    FP32(0, 0, 68, 4, 4),
    /** Float everywhere, but the products' factors are rounded to 10 bits of mantissa by the matrix units. */
    TF32(0, 0, 77, 4, 4),
    /** Activations and weights that enter products have 7 bits of mantissa; parameters are kept, and updated, as floats. */
    BF16(14, 0, 68, 2, 4),
    /**
     * As {@link #BF16}, but of parameters, too, 7 bits are all that is kept: half the memory, and two thirds of the traffic.
     * Updates are computed as floats and rounded at random, up or down, so that small ones are not lost.
     */
    BF16_PURE(14, 0, 68, 2, 4);

    private final int factorType;
    private final int resultType;
    private final int computeType;
    private final int factorBytes;
    private final int resultBytes;

    Precision(int factorType, int resultType, int computeType, int factorBytes, int resultBytes) {
        this.factorType = factorType;
        this.resultType = resultType;
        this.computeType = computeType;
        this.factorBytes = factorBytes;
        this.resultBytes = resultBytes;
    }

    /** cudaDataType of factors: activations, weights, and gradients that are multiplied. */
    int factorType() {
        return factorType;
    }

    /** cudaDataType of what a product adds up to. */
    int resultType() {
        return resultType;
    }

    /** cublasComputeType. */
    int computeType() {
        return computeType;
    }

    /** Bytes of a factor. */
    public int factorBytes() {
        return factorBytes;
    }

    /** Bytes of a result, a parameter, an updater's state. */
    public int resultBytes() {
        return resultBytes;
    }

    /** Whether matrix units compute products, from factors of at most 10 bits of mantissa. */
    boolean usesMatrixUnits() {
        return this == TF32 || isNarrow();
    }

    /** Whether factors are bfloat16. */
    public boolean isNarrow() {
        return this == BF16 || this == BF16_PURE;
    }

    /** Bytes of what a weight's first half lacks; 0 where it is stored whole, or rounded. */
    public int lowerBytes() {
        return isSplit() ? resultBytes - factorBytes : 0;
    }

    /** Whether a weight is stored in two halves: the one that products read, and what it lacks. */
    public boolean isSplit() {
        return this == BF16;
    }
}
