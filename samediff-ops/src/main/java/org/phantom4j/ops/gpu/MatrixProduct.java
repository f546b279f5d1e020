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

    private final long handle;
    private final DeviceMemory workspace;
    private final long description;
    private final long layoutA;
    private final long layoutB;
    private final long layoutC;
    private final Memory algorithm = new Memory(CublasLt.ALGORITHM_BYTES);
    private final Memory scale = new Memory(8);
    private final Pointer alpha;
    private final Pointer beta;
    private final Pointer tryAlpha;

    /**
     * Describes it to cuBLAS.
     *
     * @param workspace who made it owns it; so for the scalars
     */
    MatrixProduct(long handle, Precision precision, ProductShape shape, Scalars scalars, DeviceMemory workspace) {
        this.handle = handle;
        this.workspace = workspace;
        long[] created = new long[1];
        CublasLt.check(
                "cublasLtMatmulDescCreate",
                CublasLt.cublasLtMatmulDescCreate(created, precision.computeType(), precision.resultType()));
        this.description = created[0];
        boolean onDevice = shape.scale().isOnDevice();
        describe(CublasLt.DESC_POINTER_MODE, onDevice ? CublasLt.POINTER_MODE_DEVICE : CublasLt.POINTER_MODE_HOST);
        describe(CublasLt.DESC_TRANSA, shape.a().transposed() ? 1 : 0);
        describe(CublasLt.DESC_TRANSB, shape.b().transposed() ? 1 : 0);
        this.layoutA = layout(precision.factorType(), shape.a(), shape.count());
        this.layoutB = layout(precision.factorType(), shape.b(), shape.count());
        this.layoutC = layout(
                shape.factorResult() ? precision.factorType() : precision.resultType(), shape.c(), shape.count());
        Scalars.set(scale, precision, shape.scale().value());
        this.alpha = onDevice ? new Pointer(shape.scale().address()) : scale;
        this.beta = shape.adds() ? scalars.one(onDevice) : scalars.zero(onDevice);
        this.tryAlpha = shape.adds() ? scalars.nextToNothing(onDevice) : scalars.one(onDevice);
    }

    private void describe(int attribute, int value) {
        CublasLt.check(
                "cublasLtMatmulDescSetAttribute",
                CublasLt.cublasLtMatmulDescSetAttribute(description, attribute, new int[] {value}, 4));
    }

    private static long layout(int type, ProductShape.Matrix matrix, int count) {
        long[] created = new long[1];
        CublasLt.check(
                "cublasLtMatrixLayoutCreate",
                CublasLt.cublasLtMatrixLayoutCreate(created, type, matrix.rows(), matrix.columns(), matrix.stride()));
        if (count > 1) {
            set(created[0], CublasLt.LAYOUT_BATCH_COUNT, count, 4);
            set(created[0], CublasLt.LAYOUT_BATCH_OFFSET, matrix.gap(), 8);
        }
        return created[0];
    }

    private static void set(long layout, int attribute, long value, int bytes) {
        CublasLt.check(
                "cublasLtMatrixLayoutSetAttribute",
                CublasLt.cublasLtMatrixLayoutSetAttribute(layout, attribute, new long[] {value}, bytes));
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
        scale.close();
    }
}
