package org.phantom4j.ops.gpu;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import org.phantom4j.comm.cuda.CudaEvent;
import org.phantom4j.comm.cuda.CudaStream;
import org.phantom4j.comm.cuda.DeviceMemory;

/** A product by cuBLAS. Made by {@link MatrixProducts}, which closes it. */
final class MatrixProduct implements Product {

    private static final int WARM_UPS = 2;
    private static final int REPEATS = 6;
    private static final int ROUNDS = 2;
    private static final long LIMIT_NS = 60_000_000_000L;

    /** A factor so small that adding the product changes no number that training meets. */
    private static final double NEXT_TO_NOTHING = 1e-30;

    private final long handle;
    private final DeviceMemory workspace;
    private final long description;
    private final long layoutA;
    private final long layoutB;
    private final long layoutC;
    private final Memory algorithm = new Memory(CublasLt.ALGORITHM_BYTES);
    private final Memory scalars = new Memory(24);
    private final Pointer alpha;
    private final Pointer beta;
    private final Pointer tryAlpha;

    MatrixProduct(long handle, Precision precision, ProductShape shape, DeviceMemory workspace) {
        this.handle = handle;
        this.workspace = workspace;
        int scaleType = precision.resultType();
        long[] created = new long[1];
        CublasLt.check(
                "cublasLtMatmulDescCreate",
                CublasLt.cublasLtMatmulDescCreate(created, precision.computeType(), scaleType));
        this.description = created[0];
        transpose(CublasLt.DESC_TRANSA, shape.transposeA());
        transpose(CublasLt.DESC_TRANSB, shape.transposeB());
        int factor = precision.factorType();
        this.layoutA = shape.transposeA()
                ? layout(factor, shape.inner(), shape.rows(), shape.strideA())
                : layout(factor, shape.rows(), shape.inner(), shape.strideA());
        this.layoutB = shape.transposeB()
                ? layout(factor, shape.columns(), shape.inner(), shape.strideB())
                : layout(factor, shape.inner(), shape.columns(), shape.strideB());
        this.layoutC = layout(
                shape.factorResult() ? factor : precision.resultType(), shape.rows(), shape.columns(), shape.strideC());
        this.alpha = scalar(0, precision, shape.alpha());
        this.beta = scalar(8, precision, shape.beta());
        this.tryAlpha = scalar(16, precision, shape.beta() == 0 ? shape.alpha() : NEXT_TO_NOTHING);
    }

    private Pointer scalar(int offset, Precision precision, double value) {
        if (precision == Precision.FP64) {
            scalars.setDouble(offset, value);
        } else {
            scalars.setFloat(offset, (float) value);
        }
        return scalars.share(offset);
    }

    private void transpose(int attribute, boolean transposed) {
        CublasLt.check(
                "cublasLtMatmulDescSetAttribute",
                CublasLt.cublasLtMatmulDescSetAttribute(description, attribute, new int[] {transposed ? 1 : 0}, 4));
    }

    private static long layout(int type, long rows, long columns, long stride) {
        long[] created = new long[1];
        CublasLt.check(
                "cublasLtMatrixLayoutCreate",
                CublasLt.cublasLtMatrixLayoutCreate(created, type, rows, columns, stride));
        return created[0];
    }

    @Override
    public void run(CudaStream stream, long a, long b, long c) {
        CublasLt.check("cublasLtMatmul", run(stream, a, b, c, alpha));
    }

    private int run(CudaStream stream, long a, long b, long c, Pointer factor) {
        return CublasLt.cublasLtMatmul(
                handle,
                description,
                factor,
                a,
                layoutA,
                b,
                layoutB,
                beta,
                c,
                layoutC,
                c,
                layoutC,
                algorithm,
                workspace.address(),
                workspace.bytes(),
                stream.handle());
    }

    void use(byte[] chosen) {
        algorithm.write(0, chosen, 0, chosen.length);
    }

    byte[] algorithm() {
        return algorithm.getByteArray(0, CublasLt.ALGORITHM_BYTES);
    }

    /** Whether the algorithm in use can be run. */
    boolean tryRun(CudaStream stream, long a, long b, long c, boolean wait) {
        return run(stream, a, b, c, tryAlpha) == 0 && (!wait || stream.synchronize(LIMIT_NS));
    }

    /** Milliseconds of the algorithm in use: the least of some rounds; infinite if it cannot be run. */
    double measure(CudaStream stream, long a, long b, long c) {
        if (!tryRun(stream, a, b, c, false)) {
            return Double.POSITIVE_INFINITY;
        }
        return measure(stream, () -> run(stream, a, b, c, tryAlpha));
    }

    /** Milliseconds of something: the least of some rounds; infinite if it does not end. */
    static double measure(CudaStream stream, Runnable product) {
        for (int i = 0; i < WARM_UPS; i++) {
            product.run();
        }
        double least = Double.POSITIVE_INFINITY;
        try (CudaEvent start = CudaEvent.timed();
                CudaEvent end = CudaEvent.timed()) {
            for (int round = 0; round < ROUNDS; round++) {
                start.record(stream);
                for (int i = 0; i < REPEATS; i++) {
                    product.run();
                }
                end.record(stream);
                if (!stream.synchronize(LIMIT_NS)) {
                    return Double.POSITIVE_INFINITY;
                }
                least = Math.min(least, start.millisecondsTo(end) / REPEATS);
            }
        }
        return least;
    }

    int suggestions(long preference, int most, Memory results) {
        int[] found = new int[1];
        int status = CublasLt.cublasLtMatmulAlgoGetHeuristic(
                handle, description, layoutA, layoutB, layoutC, layoutC, preference, most, results, found);
        return status == 0 ? found[0] : 0;
    }

    void close() {
        CublasLt.cublasLtMatrixLayoutDestroy(layoutA);
        CublasLt.cublasLtMatrixLayoutDestroy(layoutB);
        CublasLt.cublasLtMatrixLayoutDestroy(layoutC);
        CublasLt.cublasLtMatmulDescDestroy(description);
        algorithm.close();
        scalars.close();
    }
}
