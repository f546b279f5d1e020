package org.phantom4j.ops.gpu;

import org.phantom4j.comm.cuda.CudaDevice;
import org.phantom4j.comm.cuda.CudaKernel;
import org.phantom4j.comm.cuda.CudaModule;
import org.phantom4j.comm.cuda.CudaStream;

/**
 * Copies parts of matrices between where they lie without gaps, column by column, and where they lie among parameters; made by
 * {@link Kernels}, whose rules are theirs.
 */
public final class LayoutKernels {

    private static final int BLOCK = 256;

    private final int blocks;
    private final int realBytes;
    private final CudaKernel store;
    private final CudaKernel fetch;
    private final CudaKernel storeReals;
    private final CudaKernel fetchReals;
    private final CudaKernel fill;
    private final Precision precision;

    LayoutKernels(CudaModule module, Precision precision, CudaDevice device) {
        this.precision = precision;
        this.realBytes = precision.resultBytes();
        this.blocks = Kernels.BLOCKS_EACH * device.multiprocessors();
        this.store = module.kernel("store_block");
        this.fetch = module.kernel("fetch_block");
        this.storeReals = module.kernel("store_reals");
        this.fetchReals = module.kernel("fetch_reals");
        this.fill = module.kernel("fill_parameters");
    }

    /** Parameters from reals without gaps. */
    public void store(CudaStream stream, long from, Parameter to, MatrixBlock block) {
        Parameter part = to.part(block.first(), 0, precision);
        store.launch(stream, blocks, 1, BLOCK, 0, from, part.address(), part.lower(), block.bytes());
    }

    /** Parameters as reals without gaps. */
    public void fetch(CudaStream stream, Parameter from, long to, MatrixBlock block) {
        Parameter part = from.part(block.first(), 0, precision);
        fetch.launch(stream, blocks, 1, BLOCK, 0, part.address(), part.lower(), to, block.bytes());
    }

    /** Reals that lie as parameters do, such as an updater's state, from reals without gaps. */
    public void storeReals(CudaStream stream, long from, long to, MatrixBlock block) {
        storeReals.launch(stream, blocks, 1, BLOCK, 0, from, to + block.first() * realBytes, block.bytes());
    }

    /** The same back. */
    public void fetchReals(CudaStream stream, long from, long to, MatrixBlock block) {
        fetchReals.launch(stream, blocks, 1, BLOCK, 0, from + block.first() * realBytes, to, block.bytes());
    }

    /** Pseudo-random parameters, between −1/2 and 1/2 times {@code scale}. */
    public void fill(CudaStream stream, Parameter to, MatrixBlock block, int seed, double scale) {
        Parameter part = to.part(block.first(), 0, precision);
        Object factor = precision == Precision.FP64 ? (Object) scale : (Object) (float) scale;
        fill.launch(stream, blocks, 1, BLOCK, 0, part.address(), part.lower(), block.bytes(), seed, factor);
    }
}
