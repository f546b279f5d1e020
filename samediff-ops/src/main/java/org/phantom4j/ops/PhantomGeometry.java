package org.phantom4j.ops;

import java.util.stream.IntStream;

/**
 * The shapes of a sharded layer, nIn → nOut in p shards, and what it costs. The one place for shard offsets, parameter
 * shapes and the formulas of parameters, products and bytes, for phantom layers and for the tensor-parallel layers that
 * they are compared with.
 *
 * <p>Parameters of shard j: local weights L [nIn_j, nOut_j], compressor C [nIn_j, k], decompressors D
 * [(p − 1)·k, nOut_j], which are the D_ij of all other shards i one below the other in the order of i, bias b [nOut_j]. A
 * single shard has no D, and its C takes no part in anything.
 *
 * @param nIn input width
 * @param nOut output width
 * @param shards p
 * @param phantomWidth k
 */
public record PhantomGeometry(long nIn, long nOut, int shards, long phantomWidth) {

    /** @throws IllegalArgumentException if a size is out of range */
    public PhantomGeometry {
        if (phantomWidth < 1) {
            throw new IllegalArgumentException("phantom width must be at least 1, not " + phantomWidth);
        }
        new Split(nIn, shards);
        new Split(nOut, shards);
    }

    /** How the inputs are cut. */
    public Split in() {
        return new Split(nIn, shards);
    }

    /** How the outputs are cut. */
    public Split out() {
        return new Split(nOut, shards);
    }

    /** p·k: the width of all shards' phantom activations together. */
    public long gatheredWidth() {
        return shards * phantomWidth;
    }

    /** Rows of a shard's decompressors: (p − 1)·k. */
    public long decompressorRows() {
        return (shards - 1) * phantomWidth;
    }

    /** The row of shard {@code to}'s decompressors at which those of shard {@code from} start. */
    public long decompressorRow(int from, int to) {
        if (from == to) {
            throw new IllegalArgumentException("shard " + to + " has no decompressor for its own activations");
        }
        return (from < to ? from : from - 1) * phantomWidth;
    }

    /** The largest phantom width with which a phantom layer has no more parameters than a dense layer; may be 0. */
    public long largestUsefulPhantomWidth() {
        long local = IntStream.range(0, shards)
                .mapToLong(j -> in().width(j) * out().width(j))
                .sum();
        return (nIn * nOut - local) / (nIn + (shards - 1) * nOut);
    }

    /** Parameters of one shard of a phantom layer. */
    public long shardParameters(int shard) {
        long in = in().width(shard);
        long out = out().width(shard);
        return in * out + in * phantomWidth + decompressorRows() * out + out;
    }

    /**
     * What a phantom layer costs one rank. The weight gradients cost as many products as the forward pass, and so do the
     * gradients that go back: all of them if {@code inputGradient}, else those of the phantom activations alone.
     *
     * @param inputGradient whether the gradient of the layer's inputs is computed
     * @param elementBytes bytes of a value
     */
    public LayerCost phantomCost(int rank, int ranks, long batch, boolean inputGradient, int elementBytes) {
        ShardRange own = ShardRange.of(rank, ranks, shards);
        long parameters = own.stream().mapToLong(this::shardParameters).sum();
        long local = 0;
        long compress = 0;
        long decompress = 0;
        for (int j = own.first(); j < own.end(); j++) {
            local += batch * in().width(j) * out().width(j);
            compress += shards == 1 ? 0 : batch * in().width(j) * phantomWidth;
            decompress += batch * decompressorRows() * out().width(j);
        }
        long forward = local + compress + decompress;
        long bytes = shards == 1 ? 0 : elementBytes * batch * phantomWidth * own.count() * (ranks - 1);
        return new LayerCost(
                parameters,
                forward,
                forward + decompress + (inputGradient ? local + compress : 0),
                bytes,
                shards == 1 ? 0 : elementBytes * batch * (gatheredWidth() - phantomWidth * own.count()));
    }

    /** What the tensor-parallel layer of the same widths costs one rank; see {@link #phantomCost}. */
    public LayerCost tensorCost(int rank, int ranks, long batch, boolean inputGradient, int elementBytes) {
        ShardRange own = ShardRange.of(rank, ranks, shards);
        long ownIn = in().width(own);
        long ownOut = out().width(own);
        long products = batch * nIn * ownOut;
        return new LayerCost(
                nIn * ownOut + ownOut,
                products,
                inputGradient ? 2 * products : products,
                elementBytes * batch * ownIn * (ranks - 1),
                inputGradient ? elementBytes * batch * (nIn - ownIn) : 0);
    }

    /** What a phantom layer costs all ranks together. */
    public LayerCost phantomCost(int ranks, long batch, boolean inputGradient, int elementBytes) {
        return IntStream.range(0, ranks)
                .mapToObj(rank -> phantomCost(rank, ranks, batch, inputGradient, elementBytes))
                .reduce(LayerCost.ZERO, LayerCost::plus);
    }

    /** What a tensor-parallel layer costs all ranks together. */
    public LayerCost tensorCost(int ranks, long batch, boolean inputGradient, int elementBytes) {
        return IntStream.range(0, ranks)
                .mapToObj(rank -> tensorCost(rank, ranks, batch, inputGradient, elementBytes))
                .reduce(LayerCost.ZERO, LayerCost::plus);
    }
}
