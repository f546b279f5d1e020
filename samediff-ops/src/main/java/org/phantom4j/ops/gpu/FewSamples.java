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
    private static final int END_BYTES = 96;

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

    /** How many reals {@link Parts} of layers need that have at most so many places for neurons. */
    public long partReals(long batch, long length) {
        // as many shares as there may be blocks, or one of each neuron
        return batch * (length + Math.max(length, Math.min(MOST_SHARES * length, (long) blocks * OUTPUTS + length)));
    }

    /** How many int counters they need. */
    public static long counters(long length) {
        // shards end in the middle of blocks
        return Kernels.blocks(length, ShardWidths.MULTIPLE);
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
     * @param inputs how the layer's inputs lie
     * @param exact where activations go as reals, feature-major; 0: nowhere
     */
    public record End(Parts parts, ShardWidths inputs, Neurons neurons, TwoOrders to, long exact) {}

    private byte[] bytes(End end) {
        Neurons neurons = end.neurons();
        long phantom = end.parts().sums();
        ByteBuffer bytes = ByteBuffer.allocate(END_BYTES)
                .order(ByteOrder.nativeOrder())
                .putLong(phantom)
                .putLong(phantom + neurons.batch() * neurons.widths().length() * WORD)
                .putLong(end.parts().counters())
                .putLong(neurons.bias().address())
                .putLong(neurons.bias().lower())
                .putLong(end.to().features())
                .putLong(end.to().samples())
                .putLong(end.exact())
                .putInt(shares(end))
                .putInt(neurons.activation().kind())
                .putFloat((float) neurons.activation().slope());
        return neurons.widths().put(bytes).array();
    }

    /** Words of four bytes of so many factors. */
    private int words(long factors) {
        return Math.toIntExact(factors * factorBytes / WORD);
    }

    /** How many blocks share the words of the same outputs: so many that all multiprocessors but those left have something to do. */
    private int shares(End end) {
        int steps = Kernels.blocks(words(end.inputs().stride()), STEP_WORDS);
        int wanted = Math.min(
                MOST_SHARES, Math.max(1, blocks / end.neurons().widths().blocks(OUTPUTS)));
        return Kernels.blocks(steps, Kernels.blocks(steps, wanted));
    }

    /**
     * The local part, x L of each shard.
     *
     * @param x [batch, places of inputs], sample-major
     * @param weights L of each shard, column-major
     */
    public void localPart(CudaStream stream, long x, long weights, End end) {
        int i = 0;
        while (SAMPLES[i] < end.neurons().batch()) {
            i++;
        }
        // blocks that go round equally often
        int shards = end.inputs().shards();
        int parts = Kernels.blocks(end.neurons().widths().stride(), OUTPUTS);
        int rounds = Kernels.blocks(parts, Math.max(1, blocks / shards));
        localPart[i].launch(
                stream,
                Kernels.blocks(parts, rounds),
                shards * shares(end),
                BLOCK,
                sharedBytes(i),
                x,
                weights,
                (int) end.neurons().batch(),
                words(end.inputs().stride()),
                words(end.inputs().length()),
                bytes(end));
    }

    /**
     * The phantom part, Σ g_i D_i of each shard.
     *
     * @param decompressors [images, places of neurons], column-major
     */
    public void phantomPart(CudaStream stream, PhantomKernels.Images images, long decompressors, End end) {
        ShardWidths widths = end.neurons().widths();
        phantomPart.launch(
                stream,
                Kernels.blocks(widths.stride(), OUTPUTS),
                widths.shards(),
                PHANTOM_BLOCK,
                0,
                images.address(),
                decompressors,
                (int) images.count(),
                images.firstOwn(),
                (int) images.k(),
                (int) end.neurons().batch(),
                bytes(end));
    }
}
