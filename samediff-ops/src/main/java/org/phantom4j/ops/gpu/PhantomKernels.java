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

    private final CudaKernel forward;
    private final CudaKernel backward;

    PhantomKernels(CudaModule module) {
        this.forward = module.kernel("phantom_forward").withSharedBytes(SHARED_BYTES);
        this.backward = module.kernel("phantom_backward").withSharedBytes(SHARED_BYTES);
    }

    /**
     * Phantom activations, or their gradients, of all shards: [batch, shards · k], feature-major.
     *
     * @param address of the first shard's
     * @param count columns
     * @param firstOwn the rank's first shard
     * @param k of a shard, a multiple of {@value ShardWidths#MULTIPLE}
     */
    public record Images(long address, long count, int firstOwn, long k) {}

    /**
     * y = activation(z + Σ g_i D_i + b): z feature-major.
     *
     * @param decompressors [images, places of neurons], column-major
     * @param exact where y goes as reals, feature-major; 0: nowhere
     */
    public void forward(
            CudaStream stream, long z, Images images, long decompressors, Neurons neurons, TwoOrders to, long exact) {
        forward.launch(
                stream,
                Kernels.blocks(neurons.batch(), SAMPLES),
                neurons.widths().blocks(FEATURES),
                BLOCK,
                SHARED_BYTES,
                z,
                images.address(),
                decompressors,
                (int) images.count(),
                images.firstOwn(),
                (int) images.k(),
                neurons.bias().address(),
                neurons.bias().lower(),
                to.features(),
                to.samples(),
                exact,
                (int) neurons.batch(),
                neurons.widths().bytes(),
                neurons.activation().kind(),
                (float) neurons.activation().slope());
    }

    /**
     * delta = (dy + h Cᵀ) · activation'(y), and the bias's gradient or step: dy feature-major.
     *
     * @param gradients h of the rank's shards, [batch, k] each, feature-major
     * @param compressors C of each shard, [stride, k] each, column-major
     * @param features y, feature-major
     */
    public void backward(
            CudaStream stream,
            StepControls controls,
            long dy,
            long gradients,
            long compressors,
            long k,
            long features,
            Neurons neurons,
            TwoOrders delta) {
        backward.launch(
                stream,
                neurons.widths().blocks(FEATURES),
                1,
                BLOCK,
                SHARED_BYTES,
                dy,
                gradients,
                compressors,
                (int) k,
                features,
                delta.features(),
                delta.samples(),
                neurons.bias().address(),
                neurons.bias().lower(),
                neurons.bias().gradient(),
                controls.address(),
                (int) neurons.batch(),
                neurons.widths().bytes(),
                neurons.activation().kind(),
                (float) neurons.activation().slope());
    }
}
