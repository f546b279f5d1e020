package org.phantom4j.ops.gpu;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
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

    private static final int MATRICES_BYTES = 96;

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

    /**
     * A gradient of a batch and its step: w −= rate · xᵀ δ.
     *
     * @param x [batch, rows], feature-major
     * @param delta [batch, columns], feature-major
     * @param offset of the first weight in {@code weights}
     * @param stride from column to column of the weights
     */
    public record ProductStep(
            long x, long delta, Parameter weights, long offset, long rows, long columns, long stride) {

        private int tiles() {
            return Kernels.blocks(columns, UPDATE_COLUMNS);
        }

        /** Whether one launch can do both. */
        public boolean isOfSameRows(ProductStep other) {
            return x == other.x && rows == other.rows;
        }
    }

    /** Whether {@link #updateProduct} does a step of this size. */
    public boolean canUpdate(ProductStep step, long batch) {
        return updateProduct != null
                && batch <= ONE_PASS_BATCH
                && batch % ONE_PASS_MULTIPLE == 0
                && step.rows() % ONE_PASS_MULTIPLE == 0
                && step.stride() % ONE_PASS_MULTIPLE == 0
                && step.offset() % ONE_PASS_MULTIPLE == 0
                && step.columns() > 0;
    }

    /**
     * A step in one pass over weights in bfloat16, split or rounded.
     *
     * @param following another one, of the same x and much smaller, which is done on the way; null: none
     */
    public void updateProduct(CudaStream stream, ProductStep step, ProductStep following, long batch, double rate) {
        if (following != null && !following.isOfSameRows(step)) {
            throw new IllegalArgumentException(following + " is not of the same x as " + step);
        }
        int tiles = step.tiles() + (following == null ? 0 : following.tiles());
        int rowBlocks = Kernels.blocks(step.rows(), UPDATE_ROWS);
        int tilesEach = Kernels.blocks(tiles, Math.max(1, multiprocessors / rowBlocks));
        ByteBuffer matrices = ByteBuffer.allocate(MATRICES_BYTES).order(ByteOrder.nativeOrder());
        put(matrices, step);
        put(matrices, following == null ? step : following);
        matrices.putInt(step.tiles()).putInt(tiles).putInt(tilesEach);
        updateProduct.launch(
                stream,
                rowBlocks,
                Kernels.blocks(tiles, tilesEach),
                UPDATE_ROWS,
                UPDATE_SHARED_BYTES,
                step.x(),
                matrices.array(),
                (int) step.rows(),
                (int) batch,
                (float) rate);
    }

    private static void put(ByteBuffer matrices, ProductStep step) {
        Parameter weights = step.weights();
        matrices.putLong(step.delta())
                .putLong(weights.address() + 2 * step.offset())
                .putLong(weights.lower() == 0 ? 0 : weights.lower() + 2 * step.offset())
                .putLong(step.stride())
                .putInt((int) step.columns())
                // structures end at a multiple of eight bytes
                .putInt(0);
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
