package org.phantom4j.ops.gpu;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.phantom4j.comm.cuda.CudaKernel;
import org.phantom4j.comm.cuda.CudaModule;
import org.phantom4j.comm.cuda.CudaStream;

/**
 * Phantom layers of few samples, which take as long as it takes to read the weights once; made by {@link Kernels}, whose rules are
 * theirs. A layer's local part and its phantom part are computed side by side, on two streams in any order: for each 128 outputs,
 * whichever block comes last adds the parts up and computes the activation.
 */
public final class FewSamples {

    /** Outputs of a block, and so of each of a layer's counters: as in few_samples.cu. */
    private static final int OUTPUTS = 128;

    private static final int STEP_WORDS = 128;
    private static final int PITCH = STEP_WORDS + 16;
    private static final int STAGES = 4;
    private static final int BLOCK = 512;
    private static final int PHANTOM_BLOCK = 256;
    private static final int[] SAMPLES = {8, 16, 32};
    private static final int WORD = 4;
    private static final int ALIGNMENT = 16;
    private static final int END_BYTES = 80;

    /** More shares than that take longer to be added up than they spare. */
    private static final int MOST_SHARES = 8;

    /** Multiprocessors that the local part leaves to a collective. */
    private static final int LEFT = 4;

    private final CudaKernel[] localPart = new CudaKernel[SAMPLES.length];
    private final CudaKernel phantomPart;
    private final int factorBytes;
    private final int blocks;
    private int most;

    /**
     * @param multiprocessors of the device
     * @param sharedBytes the most that a block can have there
     */
    FewSamples(CudaModule module, Precision precision, int multiprocessors, int sharedBytes) {
        this.factorBytes = precision.factorBytes();
        this.blocks = Math.max(1, multiprocessors - LEFT);
        this.phantomPart = module.kernel("phantom_part");
        for (int i = 0; i < SAMPLES.length; i++) {
            if (sharedBytes(i) <= sharedBytes) {
                localPart[i] = module.kernel("local_part_" + SAMPLES[i]).withSharedBytes(sharedBytes(i));
                most = SAMPLES[i];
            }
        }
    }

    private static int sharedBytes(int i) {
        return STAGES * SAMPLES[i] * PITCH * WORD;
    }

    /** Whether there are kernels for this many samples. */
    public boolean suits(long batch) {
        return batch <= most;
    }

    /** Whether there are kernels for a local product, aᵀ b in cuBLAS's terms: of few samples, and aligned. */
    public boolean suits(ProductShape local) {
        return suits(local.rows()) && local.inner() * factorBytes % ALIGNMENT == 0;
    }

    /** How many reals {@link Parts} of layers need that are at most so wide. */
    public long partReals(long batch, long width) {
        return batch * (width + Math.max(width, (long) blocks * OUTPUTS));
    }

    /** How many int counters they need. */
    public static long counters(long width) {
        return Kernels.blocks(width, OUTPUTS);
    }

    /**
     * Where a layer's parts are kept until they are added up.
     *
     * @param sums {@link #partReals} reals
     * @param counters {@link #counters} ints, 0 before the first pass
     */
    public record Parts(long sums, long counters) {}

    /**
     * How a layer ends.
     *
     * @param local the local product's shape
     * @param exact where activations go as reals, feature-major; 0: nowhere
     */
    public record End(Parts parts, ProductShape local, Neurons neurons, TwoOrders to, long exact) {}

    private byte[] bytes(End end) {
        Neurons neurons = end.neurons();
        long phantom = end.parts().sums();
        return ByteBuffer.allocate(END_BYTES)
                .order(ByteOrder.nativeOrder())
                .putLong(phantom)
                .putLong(phantom + neurons.batch() * neurons.width() * WORD)
                .putLong(end.parts().counters())
                .putLong(neurons.bias().address())
                .putLong(neurons.bias().lower())
                .putLong(end.to().features())
                .putLong(end.to().samples())
                .putLong(end.exact())
                .putInt(shares(end.local()))
                .putInt(neurons.activation().kind())
                .putFloat((float) neurons.activation().slope())
                .array();
    }

    private int words(ProductShape local) {
        return Math.toIntExact(local.inner() * factorBytes / WORD);
    }

    /** How many blocks share the words of the same outputs: so many that all multiprocessors but those left have something to do. */
    private int shares(ProductShape local) {
        int steps = Kernels.blocks(words(local), STEP_WORDS);
        int wanted = Math.min(MOST_SHARES, Math.max(1, blocks / Kernels.blocks(local.columns(), OUTPUTS)));
        return Kernels.blocks(steps, Kernels.blocks(steps, wanted));
    }

    /**
     * The local part, x L.
     *
     * @param x [batch, inner], sample-major
     * @param weights L, column-major
     */
    public void localPart(CudaStream stream, long x, long weights, End end) {
        ProductShape local = end.local();
        int i = 0;
        while (SAMPLES[i] < local.rows()) {
            i++;
        }
        // blocks that go round equally often
        int parts = Kernels.blocks(local.columns(), OUTPUTS);
        int rounds = Kernels.blocks(parts, blocks);
        localPart[i].launch(
                stream,
                Kernels.blocks(parts, rounds),
                shares(local),
                BLOCK,
                sharedBytes(i),
                x,
                weights,
                (int) local.rows(),
                (int) local.columns(),
                words(local),
                bytes(end));
    }

    /**
     * The phantom part, Σ g_i D_i.
     *
     * @param decompressors [images, width], column-major without gaps
     */
    public void phantomPart(CudaStream stream, PhantomKernels.Images images, long decompressors, End end) {
        int width = Math.toIntExact(end.neurons().width());
        phantomPart.launch(
                stream,
                Kernels.blocks(width, OUTPUTS),
                1,
                PHANTOM_BLOCK,
                0,
                images.address(),
                decompressors,
                (int) images.count(),
                (int) images.before(),
                (int) images.own(),
                (int) end.neurons().batch(),
                width,
                bytes(end));
    }
}
