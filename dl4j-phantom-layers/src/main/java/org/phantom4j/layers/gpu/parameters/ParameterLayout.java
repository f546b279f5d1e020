package org.phantom4j.layers.gpu.parameters;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.phantom4j.layers.gpu.plan.Stack;
import org.phantom4j.ops.PhantomGeometry;
import org.phantom4j.ops.ShardRange;
import org.phantom4j.ops.Split;
import org.phantom4j.ops.gpu.MatrixBlock;
import org.phantom4j.ops.gpu.ShardWidths;

/**
 * Where a rank's parameters are: in the network's vector, as Deeplearning4j has them, and on the device, where all shards of
 * one kind are one array, and each begins at a multiple that suits products.
 *
 * <p>On the device, with P places for a shard's neurons, K for its phantom activations, s own shards of p:
 *
 * <pre>
 * phantom layer   L  s × [P_in, P_out]   C  s × [P_in, K]   D  [p·K, s·P_out], zero for a shard's own   b  s·P_out
 * tensor layer    W  [p·P_in, s·P_out]   b  s·P_out
 * output layer    W  [s·P_in, outputs]   b  outputs, padded
 * </pre>
 *
 * <p>Rows of an output layer are where the last layer's shards have their neurons, whatever its own shards are.
 */
public final class ParameterLayout {

    /** Elements, so that arrays begin at whole lines of memory whatever an element's bytes are. */
    private static final long ALIGNMENT = 128;

    /** An array on the device, from {@code offset} on. */
    public record Region(long offset, long length) {}

    /**
     * A part of a parameter of the network.
     *
     * @param networkOffset of its first element in the network's vector
     * @param networkStride from column to column there
     * @param block where it is on the device
     */
    public record Place(long networkOffset, long networkStride, MatrixBlock block) {}

    private final ShardRange own;
    private final Map<String, Region> regions = new LinkedHashMap<>();
    private final List<Place> places = new ArrayList<>();
    private long networkLength;
    private long length;

    /** Of a stack's parameters on the rank that has the shards {@code own}. */
    public ParameterLayout(Stack stack, ShardRange own) {
        this.own = own;
        for (int i = 0; i < stack.layers().size(); i++) {
            Stack.Layer layer = stack.layers().get(i);
            if (layer.phantom()) {
                addPhantom(i, layer.geometry());
            } else {
                addTensor(i, layer.geometry());
            }
        }
        if (stack.end().isOutputLayer()) {
            addOutput(stack);
        }
    }

    private long region(int layer, String letter, long count) {
        long offset = length;
        regions.put(layer + letter, new Region(offset, count));
        length += (count + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        return offset;
    }

    /** The next parameter of the network, whose columns lie one behind the other. */
    private void next(MatrixBlock block) {
        places.add(new Place(networkLength, block.rows(), block));
        networkLength += block.rows() * block.columns();
    }

    private void addPhantom(int layer, PhantomGeometry geometry) {
        ShardWidths in = ShardWidths.of(geometry.in(), own);
        ShardWidths out = ShardWidths.of(geometry.out(), own);
        long k = geometry.phantomWidth();
        long paddedK = ShardWidths.padded(k);
        long images = geometry.shards() * paddedK;
        boolean several = geometry.shards() > 1;
        long matrix = (long) in.stride() * out.stride();
        long local = region(layer, "L", own.count() * matrix);
        long compressors = region(layer, "C", in.length() * paddedK);
        long decompressors = several ? region(layer, "D", images * out.length()) : 0;
        long biases = region(layer, "b", out.length());
        for (int i = 0; i < own.count(); i++) {
            next(MatrixBlock.of(local + i * matrix, in.width(i), out.width(i), in.stride()));
            next(MatrixBlock.of(compressors + (long) i * in.stride() * paddedK, in.width(i), k, in.stride()));
            if (several) {
                next(new MatrixBlock(
                        decompressors + (long) i * out.stride() * images,
                        geometry.decompressorRows(),
                        out.width(i),
                        images,
                        k,
                        paddedK,
                        own.first() + i));
            }
            next(MatrixBlock.of(biases + (long) i * out.stride(), out.width(i), 1, out.stride()));
        }
    }

    private void addTensor(int layer, PhantomGeometry geometry) {
        ShardWidths in = ShardWidths.of(geometry.in());
        ShardWidths out = ShardWidths.of(geometry.out(), own);
        long weights = region(layer, "W", in.length() * out.length());
        long biases = region(layer, "b", out.length());
        for (int i = 0; i < own.count(); i++) {
            long first = weights + (long) i * out.stride() * in.length();
            long wideRows = (long) in.wide() * (in.base() + 1);
            addRows(first, 0, wideRows, geometry.nIn(), in, in.base() + 1, out.width(i));
            first += (long) in.wide() * in.stride();
            addRows(first, wideRows, in.neurons() - wideRows, geometry.nIn(), in, in.base(), out.width(i));
            networkLength += geometry.nIn() * out.width(i);
        }
        for (int i = 0; i < own.count(); i++) {
            next(MatrixBlock.of(biases + (long) i * out.stride(), out.width(i), 1, out.stride()));
        }
    }

    /** Rows of the network's next parameter, which are in groups on the device. */
    private void addRows(long first, long from, long rows, long all, ShardWidths in, long group, long columns) {
        if (rows > 0) {
            MatrixBlock block =
                    new MatrixBlock(first, rows, columns, in.length(), group, in.stride(), MatrixBlock.NONE);
            places.add(new Place(networkLength + from, all, block));
        }
    }

    private void addOutput(Stack stack) {
        int layer = stack.layers().size();
        Split features = stack.layers().get(layer - 1).geometry().out();
        ShardWidths in = ShardWidths.of(features, own);
        long width = stack.end().width();
        long weights = region(layer, "W", in.length() * ShardWidths.padded(width));
        Split cut = new Split(features.length(), stack.end().shards());
        for (int j : stack.end().own(own, stack.shards()).stream().toArray()) {
            long begin = cut.offset(j);
            for (int i = own.first(); i < own.end(); i++) {
                long from = Math.max(begin, features.offset(i));
                long to = Math.min(begin + cut.width(j), features.offset(i) + features.width(i));
                if (from < to) {
                    long first = weights + (long) (i - own.first()) * in.stride() + from - features.offset(i);
                    places.add(new Place(
                            networkLength + from - begin,
                            cut.width(j),
                            MatrixBlock.of(first, to - from, width, in.length())));
                }
            }
            networkLength += cut.width(j) * width;
        }
        if (stack.end().hasBias()) {
            long bias = region(layer, "b", ShardWidths.padded(width));
            next(MatrixBlock.of(bias, width, 1, width));
        }
    }

    /** An array of a layer, by its letter. */
    public Region region(int layer, String letter) {
        Region region = regions.get(layer + letter);
        if (region == null) {
            throw new IllegalArgumentException("layer " + layer + " has no " + letter);
        }
        return region;
    }

    /** All parts of the network's parameters. */
    public List<Place> places() {
        return places;
    }

    /** The length of the network's parameter vector on this rank. */
    public long networkLength() {
        return networkLength;
    }

    /** Places for elements on the device. */
    public long length() {
        return length;
    }

    /** The length of the longest array. */
    public long longest() {
        return regions.values().stream().mapToLong(Region::length).max().orElse(0);
    }
}
