package org.phantom4j.ops.gpu;

import org.phantom4j.comm.cuda.CudaDevice;
import org.phantom4j.comm.cuda.CudaKernel;
import org.phantom4j.comm.cuda.CudaModule;
import org.phantom4j.comm.cuda.CudaStream;

/** The kernels of parameters and their updates; made by {@link Kernels}, whose rules are theirs. */
public final class UpdateKernels {

    private static final int BLOCK = 256;

    /** The largest batch of {@link #updateProduct}. */
    public static final int ONE_PASS_BATCH = 256;

    /** What the batch, and the widths and strides of the weights, are multiples of there. */
    public static final int ONE_PASS_MULTIPLE = 8;

    /** As in update_product.cu: rows of a block, columns that it works on at a time. */
    private static final int UPDATE_ROWS = 256;

    private static final int UPDATE_COLUMNS = 32;

    /** Four stages of deltas and weights in two halves, or six of deltas and weights in one; and barriers. */
    private static final int UPDATE_SHARED_BYTES = 4 * UPDATE_COLUMNS * 2 * (ONE_PASS_BATCH + 2 * UPDATE_ROWS) + 128;

    private final boolean doubles;
    private final int multiprocessors;
    private final int blocks;
    private final CudaKernel sgd;
    private final CudaKernel nesterovs;
    private final CudaKernel adamRate;
    private final CudaKernel adam;
    private final CudaKernel store;
    private final CudaKernel fetch;
    private final CudaKernel updateProduct;

    UpdateKernels(CudaModule module, Precision precision, CudaDevice device) {
        this.doubles = precision == Precision.FP64;
        this.multiprocessors = device.multiprocessors();
        this.blocks = Kernels.BLOCKS_EACH * multiprocessors;
        this.sgd = module.kernel("sgd_update");
        this.nesterovs = module.kernel("nesterovs_update");
        this.adamRate = module.kernel("adam_rate");
        this.adam = module.kernel("adam_update");
        this.store = module.kernel("store_parameters");
        this.fetch = module.kernel("fetch_parameters");
        this.updateProduct = precision.isNarrow() && device.sharedBytes() >= UPDATE_SHARED_BYTES
                ? module.kernel("update_product").withSharedBytes(UPDATE_SHARED_BYTES)
                : null;
    }

    private Object real(double value) {
        return doubles ? (Object) value : (Object) (float) value;
    }

    /** w −= rate · gradient. */
    public void sgd(CudaStream stream, Parameter parameters, double rate) {
        sgd.launch(
                stream,
                blocks,
                1,
                BLOCK,
                0,
                parameters.address(),
                parameters.lower(),
                parameters.gradient(),
                parameters.length(),
                real(rate));
    }

    /** Nesterov's momentum, as Deeplearning4j computes it. */
    public void nesterovs(CudaStream stream, Parameter parameters, long velocity, double rate, double momentum) {
        nesterovs.launch(
                stream,
                blocks,
                1,
                BLOCK,
                0,
                parameters.address(),
                parameters.lower(),
                parameters.gradient(),
                velocity,
                parameters.length(),
                real(rate),
                real(momentum));
    }

    /** Adam, as Deeplearning4j computes it; counts the steps at {@code step} and leaves the step's rate at {@code rate}. */
    public void adam(
            CudaStream stream,
            Parameter parameters,
            long first,
            long second,
            long step,
            long stepRate,
            double rate,
            double beta1,
            double beta2,
            double epsilon) {
        adamRate.launch(stream, 1, 1, 1, 0, step, stepRate, rate, beta1, beta2);
        adam.launch(
                stream,
                blocks,
                1,
                BLOCK,
                0,
                parameters.address(),
                parameters.lower(),
                parameters.gradient(),
                first,
                second,
                parameters.length(),
                stepRate,
                real(beta1),
                real(beta2),
                real(epsilon));
    }

    /** Whether {@link #updateProduct} does a product of this size. */
    public boolean canUpdate(long rows, long columns, long batch, long stride, long offset) {
        return updateProduct != null
                && batch <= ONE_PASS_BATCH
                && batch % ONE_PASS_MULTIPLE == 0
                && rows % ONE_PASS_MULTIPLE == 0
                && stride % ONE_PASS_MULTIPLE == 0
                && offset % ONE_PASS_MULTIPLE == 0
                && columns > 0;
    }

    /**
     * w −= rate · xᵀ δ in one pass over weights in bfloat16, split or rounded: x [batch, rows] and δ [batch, columns], feature-major; w's columns
     * {@code stride} apart.
     *
     * @param offset of the first weight in {@code weights}
     */
    public void updateProduct(
            CudaStream stream,
            long x,
            long delta,
            Parameter weights,
            long offset,
            long rows,
            long columns,
            long batch,
            long stride,
            double rate) {
        int rowBlocks = Kernels.blocks(rows, UPDATE_ROWS);
        int wanted = Math.max(1, multiprocessors / rowBlocks);
        int tiles = Kernels.blocks(columns, UPDATE_COLUMNS);
        int tilesEach = (tiles + wanted - 1) / wanted;
        updateProduct.launch(
                stream,
                rowBlocks,
                (tiles + tilesEach - 1) / tilesEach,
                UPDATE_ROWS,
                UPDATE_SHARED_BYTES,
                x,
                delta,
                weights.address() + 2 * offset,
                weights.lower() == 0 ? 0L : weights.lower() + 2 * offset,
                (int) rows,
                (int) columns,
                (int) batch,
                stride,
                (float) rate,
                tilesEach * UPDATE_COLUMNS);
    }

    /** Parameters from reals. */
    public void store(CudaStream stream, long from, Parameter to) {
        store.launch(stream, blocks, 1, BLOCK, 0, from, to.address(), to.lower(), to.length());
    }

    /** Parameters as reals. */
    public void fetch(CudaStream stream, Parameter from, long to) {
        fetch.launch(stream, blocks, 1, BLOCK, 0, from.address(), from.lower(), to, from.length());
    }
}
