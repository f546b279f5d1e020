package org.phantom4j.ops.gpu;

import org.phantom4j.comm.cuda.CudaKernel;
import org.phantom4j.comm.cuda.CudaModule;
import org.phantom4j.comm.cuda.CudaStream;

/**
 * Products of few samples with large weights, which take as long as it takes to read the weights once; made by
 * {@link Kernels}, whose rules are theirs.
 */
public final class StreamedProducts {

    /** As in streamed.cu. */
    private static final int OUTPUTS = 64;

    private static final int PITCH = 128 + 4;
    private static final int STAGES = 4;
    private static final int BLOCK = 256;
    private static final int[] SAMPLES = {8, 16, 32};
    private static final int WORD = 4;
    private static final int ALIGNMENT = 16;

    private final CudaKernel[] kernels = new CudaKernel[SAMPLES.length];
    private final int factorBytes;
    private int most;

    /**
     * @param sharedBytes the most that a block can have
     */
    StreamedProducts(CudaModule module, Precision precision, int sharedBytes) {
        this.factorBytes = precision.factorBytes();
        for (int i = 0; i < SAMPLES.length; i++) {
            if (sharedBytes(i) <= sharedBytes) {
                kernels[i] = module.kernel("streamed_" + SAMPLES[i]).withSharedBytes(sharedBytes(i));
                most = SAMPLES[i];
            }
        }
    }

    private static int sharedBytes(int i) {
        return STAGES * (OUTPUTS + SAMPLES[i]) * PITCH * WORD;
    }

    /** Whether a product is of this kind: of few samples, in one block of memory each, and aligned. */
    public boolean suits(ProductShape shape) {
        ProductShape dense = ProductShape.of(true, false, shape.rows(), shape.columns(), shape.inner());
        return shape.equals(dense) && shape.rows() <= most && shape.inner() * factorBytes % ALIGNMENT == 0;
    }

    /** c = aᵀ b in cuBLAS's terms: a [inner, rows], b [inner, columns], c [rows, columns], all column-major. */
    public void run(CudaStream stream, ProductShape shape, long a, long b, long c) {
        int i = 0;
        while (SAMPLES[i] < shape.rows()) {
            i++;
        }
        kernels[i].launch(
                stream,
                Kernels.blocks(shape.columns(), OUTPUTS),
                1,
                BLOCK,
                sharedBytes(i),
                a,
                b,
                c,
                (int) shape.rows(),
                (int) shape.columns(),
                Math.toIntExact(shape.inner() * factorBytes / WORD));
    }
}
