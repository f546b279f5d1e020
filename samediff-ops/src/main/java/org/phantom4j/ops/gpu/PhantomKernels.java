package org.phantom4j.ops.gpu;

import org.phantom4j.comm.cuda.CudaKernel;
import org.phantom4j.comm.cuda.CudaModule;
import org.phantom4j.comm.cuda.CudaStream;

/**
 * A layer's phantom part and its activation in one pass, for precisions that matrix units compute; made by {@link Kernels},
 * whose rules are theirs.
 */
public final class PhantomKernels {

    /** As in phantom.cu. */
    private static final int FEATURES = 32;

    private static final int SAMPLES = 256;
    private static final int INNER = 64;
    private static final int BLOCK = 256;
    private static final int SHARED_BYTES = 4 * (INNER * (SAMPLES + 8) + FEATURES * (INNER + 4));

    private static final int TOGETHER = 4;

    private final CudaKernel forward;
    private final CudaKernel backward;

    PhantomKernels(CudaModule module) {
        this.forward = module.kernel("phantom_forward").withSharedBytes(SHARED_BYTES);
        this.backward = module.kernel("phantom_backward").withSharedBytes(SHARED_BYTES);
    }

    /** Whether batches of this size are taken. */
    public static boolean suits(long batch) {
        return batch % TOGETHER == 0;
    }

    /**
     * Phantom activations of the other shards: neighbouring columns of [batch, columns], feature-major, but for those of the
     * shard itself, in the middle of them.
     *
     * @param address of the first column
     * @param count columns, without the shard's own
     * @param before columns before the shard's own
     * @param own columns of the shard's own
     */
    public record Images(long address, long count, long before, long own) {}

    /**
     * y = activation(z + Σ g_i D_i + b): z [batch, width] feature-major.
     *
     * @param decompressors [images, width], column-major without gaps
     * @param exact where y goes as reals, feature-major; 0: nowhere
     */
    public void forward(
            CudaStream stream, long z, Images images, long decompressors, Neurons neurons, TwoOrders to, long exact) {
        forward.launch(
                stream,
                Kernels.blocks(neurons.batch(), SAMPLES),
                Kernels.blocks(neurons.width(), FEATURES),
                BLOCK,
                SHARED_BYTES,
                z,
                images.address(),
                decompressors,
                images.count(),
                (int) images.count(),
                (int) images.before(),
                (int) images.own(),
                neurons.bias().address(),
                neurons.bias().lower(),
                to.features(),
                to.samples(),
                exact,
                (int) neurons.batch(),
                (int) neurons.width(),
                neurons.activation().kind(),
                (float) neurons.activation().slope());
    }

    /**
     * delta = (dy + h Cᵀ) · activation'(y), and the bias's gradient or step: dy [batch, width] feature-major.
     *
     * @param gradients h [batch, phantomWidth], feature-major
     * @param compressor C [width, phantomWidth], column-major
     * @param features y, feature-major
     */
    public void backward(
            CudaStream stream,
            long dy,
            long gradients,
            long compressor,
            long phantomWidth,
            long features,
            Neurons neurons,
            TwoOrders delta,
            double rate) {
        backward.launch(
                stream,
                Kernels.blocks(neurons.width(), FEATURES),
                1,
                BLOCK,
                SHARED_BYTES,
                dy,
                gradients,
                compressor,
                (int) phantomWidth,
                features,
                delta.features(),
                delta.samples(),
                neurons.bias().address(),
                neurons.bias().lower(),
                neurons.bias().gradient(),
                (float) rate,
                (int) neurons.batch(),
                (int) neurons.width(),
                neurons.activation().kind(),
                (float) neurons.activation().slope());
    }
}
