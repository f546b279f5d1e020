package org.phantom4j.ops.gpu;

import java.util.Arrays;
import java.util.List;
import org.phantom4j.comm.cuda.CudaDevice;
import org.phantom4j.comm.cuda.CudaKernel;
import org.phantom4j.comm.cuda.CudaModule;
import org.phantom4j.comm.cuda.CudaStream;

/**
 * The kernels of parameters and their updates; made by {@link Kernels}, whose rules are theirs.
 *
 * <p>Where a method takes {@code controls}, it is the address of the device's step_controls (factors.cu): the learning rate and the
 * step's number are read from there when the kernel runs.
 */
public final class UpdateKernels {

    private static final int BLOCK = 256;

    /** The ways to step weights by a product in one pass over them. Which is the fastest depends on the shape. */
    public enum Way {
        /** A block keeps 256 rows of x in its registers and goes over columns: up to 256 samples. */
        ROWS_KEPT,
        /** A block makes a tile of 128 rows and columns of the gradient: any number of samples, on Hopper GPUs. */
        TILES,
        /** The same; two blocks share their rows of x: for large matrices. */
        PAIRED_TILES,
        /** The same of 64 columns: for few columns, or small matrices. */
        THIN_TILES
    }

    private final boolean doubles;
    private final int blocks;
    private final CudaKernel sgd;
    private final CudaKernel nesterovs;
    private final CudaKernel adam;
    private final CudaKernel clearOwn;
    private final CudaKernel store;
    private final CudaKernel fetch;
    private final ProductUpdates products;

    UpdateKernels(CudaModule module, Precision precision, CudaDevice device) {
        this.doubles = precision == Precision.FP64;
        this.blocks = Kernels.BLOCKS_EACH * device.multiprocessors();
        this.sgd = module.kernel("sgd_update");
        this.nesterovs = module.kernel("nesterovs_update");
        this.adam = module.kernel("adam_update");
        this.clearOwn = module.kernel("clear_own");
        this.store = module.kernel("store_parameters");
        this.fetch = module.kernel("fetch_parameters");
        this.products = new ProductUpdates(module, precision, device);
    }

    private Object real(double value) {
        return doubles ? (Object) value : (Object) (float) value;
    }

    /** w −= rate · gradient. */
    public void sgd(CudaStream stream, Parameter parameters, long controls) {
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
                controls,
                parameters.place());
    }

    /** Nesterov's momentum, as Deeplearning4j computes it. */
    public void nesterovs(CudaStream stream, Parameter parameters, long velocity, long controls, double momentum) {
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
                controls,
                parameters.place(),
                real(momentum));
    }

    /**
     * Adam, as Deeplearning4j computes it.
     *
     * @param first the address of its first moments
     * @param second the address of its second moments
     * @param stepsBefore how many steps were taken before the controls' first
     */
    public void adam(
            CudaStream stream,
            Parameter parameters,
            long first,
            long second,
            long controls,
            long stepsBefore,
            double beta1,
            double beta2,
            double epsilon) {
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
                controls,
                parameters.place(),
                stepsBefore,
                beta1,
                beta2,
                real(epsilon));
    }

    /** The ways that this device can step those weights and that may be the fastest, to be measured; none: it has no kernel for them. */
    public List<Way> ways(ProductStep step, long batch) {
        return Arrays.stream(Way.values())
                .filter(way -> products.can(way, step, batch) && products.isWorthTrying(way, step))
                .toList();
    }

    /** Whether this device can step those weights that way. */
    public boolean canUpdate(Way way, ProductStep step, long batch) {
        return products.can(way, step, batch);
    }

    /** A gradient and its step in one pass over weights in bfloat16, split or rounded. */
    public void update(CudaStream stream, Way way, ProductStep step, long batch, long controls) {
        if (!canUpdate(way, step, batch)) {
            throw new IllegalArgumentException("this device cannot do " + step + " of " + batch + " samples by " + way);
        }
        if (way == Way.ROWS_KEPT) {
            products.keepRows(stream, step, null, batch, controls);
        } else {
            products.tile(stream, way, step, batch, controls);
        }
    }

    /**
     * Two such steps by {@link Way#ROWS_KEPT}, in one launch.
     *
     * @param following of the same x as the first, and much smaller: it is done on the way
     */
    public void update(CudaStream stream, ProductStep step, ProductStep following, long batch, long controls) {
        if (!canUpdate(Way.ROWS_KEPT, step, batch) || !canUpdate(Way.ROWS_KEPT, following, batch)) {
            throw new IllegalArgumentException(
                    "this device cannot do " + step + " and " + following + " of " + batch + " samples at once");
        }
        products.keepRows(stream, step, following, batch, controls);
    }

    /**
     * Zeros for the rows that {@link ProductStep#own} names, in the weights and, where there is one, their gradient.
     *
     * @param stride from column to column
     * @param shards each of {@code own.columns()} columns
     */
    public void clearOwn(CudaStream stream, Parameter weights, long stride, ProductStep.OwnRows own, int shards) {
        if ((own.count() | stride) % ProductStep.MULTIPLE != 0) {
            throw new IllegalArgumentException(
                    own + " of columns " + stride + " apart are no multiples of " + ProductStep.MULTIPLE);
        }
        clearOwn.launch(
                stream,
                blocks,
                1,
                BLOCK,
                0,
                weights.address(),
                weights.lower(),
                weights.gradient(),
                stride,
                own.count(),
                own.first(),
                own.columns(),
                shards);
    }

    /** Parameters from reals. */
    public void store(CudaStream stream, long from, Parameter to) {
        store.launch(stream, blocks, 1, BLOCK, 0, from, to.address(), to.lower(), to.length(), to.place());
    }

    /** Parameters as reals. */
    public void fetch(CudaStream stream, Parameter from, long to) {
        fetch.launch(stream, blocks, 1, BLOCK, 0, from.address(), from.lower(), to, from.length());
    }
}
