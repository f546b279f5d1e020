package org.phantom4j.ops.gpu;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.phantom4j.comm.cuda.CudaKernel;
import org.phantom4j.comm.cuda.CudaModule;
import org.phantom4j.comm.cuda.CudaStream;

/**
 * Products of few samples with large weights, which take as long as it takes to read the weights once, and phantom layers
 * that end with them; made by {@link Kernels}, whose rules are theirs.
 */
public final class StreamedProducts {

    /** No kernel takes more samples. */
    public static final int MOST_SAMPLES = 32;

    /** Outputs of a block, and so of each of a layer's {@link End#arrivals}: as in streamed.cu. */
    private static final int OUTPUTS = 64;

    private static final int PITCH = 256 + 16;
    private static final int STAGES = 4;
    private static final int BLOCK = 512;
    private static final int PHANTOM_BLOCK = 128;
    private static final int[] SAMPLES = {8, 16, MOST_SAMPLES};
    private static final int WORD = 4;
    private static final int ALIGNMENT = 16;

    /** Multiprocessors that are left to what runs beside a product: collectives, and a layer's phantom part. */
    private static final int LEFT = 4;

    private static final int END_BYTES = 64;
    private static final byte[] NO_END = new byte[END_BYTES];

    private final CudaKernel[] kernels = new CudaKernel[SAMPLES.length];
    private final CudaKernel phantomPart;
    private final int factorBytes;
    private final int multiprocessors;
    private int most;

    /**
     * @param multiprocessors of the device
     * @param sharedBytes the most that a block can have there
     */
    StreamedProducts(CudaModule module, Precision precision, int multiprocessors, int sharedBytes) {
        this.factorBytes = precision.factorBytes();
        this.multiprocessors = multiprocessors;
        this.phantomPart = module.kernel("phantom_part");
        for (int i = 0; i < SAMPLES.length; i++) {
            if (sharedBytes(i) <= sharedBytes) {
                kernels[i] = module.kernel("streamed_" + SAMPLES[i]).withSharedBytes(sharedBytes(i));
                most = SAMPLES[i];
            }
        }
    }

    private static int sharedBytes(int i) {
        return STAGES * SAMPLES[i] * PITCH * WORD;
    }

    /** Whether a product is of this kind: of few samples, dense, and aligned. */
    public boolean suits(ProductShape shape) {
        ProductShape dense = ProductShape.of(true, false, shape.rows(), shape.columns(), shape.inner());
        return shape.equals(dense) && shape.rows() <= most && shape.inner() * factorBytes % ALIGNMENT == 0;
    }

    /** Whether there is a kernel for this many samples. */
    public boolean suits(long samples) {
        return samples <= most;
    }

    /** How many {@link End#arrivals} a layer of that many outputs has. */
    public static long arrivals(long outputs) {
        return Kernels.blocks(outputs, OUTPUTS);
    }

    /**
     * How a phantom layer ends whose two parts are computed side by side, by {@link #run(CudaStream, ProductShape, long, long, long, End)
     * run} and {@link #phantomPart}, on two streams in any order: whichever comes last adds both up, for some outputs, and computes their activations.
     *
     * @param phantom where the phantom part is kept meanwhile, [batch, width] reals
     * @param arrivals int counters, {@link StreamedProducts#arrivals} of them, 0 before the first pass
     * @param exact where activations go as reals, feature-major; 0: nowhere
     */
    public record End(long phantom, long arrivals, Neurons neurons, TwoOrders to, long exact) {
        private byte[] bytes() {
            return ByteBuffer.allocate(END_BYTES)
                    .order(ByteOrder.nativeOrder())
                    .putLong(phantom)
                    .putLong(arrivals)
                    .putLong(neurons.bias().address())
                    .putLong(neurons.bias().lower())
                    .putLong(to.features())
                    .putLong(to.samples())
                    .putLong(exact)
                    .putInt(neurons.activation().kind())
                    .putFloat((float) neurons.activation().slope())
                    .array();
        }
    }

    /** c = aᵀ b in cuBLAS's terms: a [inner, rows], b [inner, columns], c [rows, columns], all column-major. */
    public void run(CudaStream stream, ProductShape shape, long a, long b, long c) {
        run(stream, shape, a, b, c, NO_END);
    }

    /** The same as a layer's local part; c is where it is kept, if it comes first. */
    public void run(CudaStream stream, ProductShape shape, long a, long b, long c, End end) {
        run(stream, shape, a, b, c, end.bytes());
    }

    private void run(CudaStream stream, ProductShape shape, long a, long b, long c, byte[] end) {
        int i = 0;
        while (SAMPLES[i] < shape.rows()) {
            i++;
        }
        // blocks that go round equally often
        int parts = Kernels.blocks(shape.columns(), OUTPUTS);
        int rounds = Kernels.blocks(parts, multiprocessors - LEFT);
        kernels[i].launch(
                stream,
                Kernels.blocks(parts, rounds),
                1,
                BLOCK,
                sharedBytes(i),
                a,
                b,
                c,
                (int) shape.rows(),
                (int) shape.columns(),
                Math.toIntExact(shape.inner() * factorBytes / WORD),
                end);
    }

    /**
     * A layer's phantom part, Σ g_i D_i.
     *
     * @param decompressors [images, width], column-major without gaps
     * @param local the c of the local part
     */
    public void phantomPart(CudaStream stream, PhantomKernels.Images images, long decompressors, long local, End end) {
        int width = Math.toIntExact(end.neurons().width());
        phantomPart.launch(
                stream,
                Kernels.blocks(width, OUTPUTS),
                1,
                PHANTOM_BLOCK,
                0,
                images.address(),
                decompressors,
                local,
                (int) images.count(),
                (int) images.before(),
                (int) images.own(),
                (int) end.neurons().batch(),
                width,
                end.bytes());
    }
}
