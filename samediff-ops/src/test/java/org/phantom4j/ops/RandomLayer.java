package org.phantom4j.ops;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** A layer with random parameters, inputs and output gradients: whole, and the parts of one rank. For tests. */
final class RandomLayer {

    /** How the arrays lie in memory. */
    enum Layout {
        C,
        F,
        /** Every second row and column of a larger array. */
        STRIDED
    }

    final PhantomGeometry geometry;
    final INDArray x;
    final INDArray delta;
    private final List<INDArray> parameters = new ArrayList<>();
    private final Random random;

    RandomLayer(PhantomGeometry geometry, long batch, Layout layout, DataType type, long seed) {
        this.geometry = geometry;
        this.random = new Random(seed);
        this.x = random(layout, type, batch, geometry.nIn());
        this.delta = random(layout, type, batch, geometry.nOut());
        for (int j = 0; j < geometry.shards(); j++) {
            long in = geometry.in().width(j);
            long out = geometry.out().width(j);
            parameters.add(random(layout, type, in, out));
            parameters.add(random(layout, type, in, geometry.phantomWidth()));
            if (geometry.shards() > 1) {
                parameters.add(random(layout, type, geometry.decompressorRows(), out));
            }
            parameters.add(random(Layout.C, type, 1, out).reshape(out));
        }
    }

    /** Values of a normal distribution, the same ones for every layout. */
    INDArray random(Layout layout, DataType type, long rows, long columns) {
        INDArray array =
                switch (layout) {
                    case C -> Nd4j.create(type, new long[] {rows, columns}, 'c');
                    case F -> Nd4j.create(type, new long[] {rows, columns}, 'f');
                    case STRIDED ->
                        Nd4j.create(
                                Nd4j.create(type, 4 * rows * columns).data(),
                                new long[] {rows, columns},
                                new long[] {4 * columns, 2},
                                0,
                                'c');
                };
        for (long i = 0; i < rows; i++) {
            for (long j = 0; j < columns; j++) {
                array.putScalar(i, j, random.nextGaussian());
            }
        }
        return array;
    }

    ShardRange all() {
        return new ShardRange(0, geometry.shards());
    }

    INDArray x(ShardRange own) {
        return Products.columns(
                x, geometry.in().offset(own.first()), geometry.in().width(own));
    }

    INDArray delta(ShardRange own) {
        return Products.columns(
                delta, geometry.out().offset(own.first()), geometry.out().width(own));
    }

    /** L, C, D, b of each of these shards. */
    List<INDArray> parameters(ShardRange own) {
        int each = PhantomParameters.perShard(geometry);
        return parameters.subList(own.first() * each, own.end() * each);
    }

    /** Inputs of phantom_dense. */
    INDArray[] forwardInputs(ShardRange own) {
        List<INDArray> inputs = new ArrayList<>(List.of(x(own)));
        inputs.addAll(parameters(own));
        return inputs.toArray(new INDArray[0]);
    }

    /** Inputs of phantom_dense_bp. */
    INDArray[] backwardInputs(ShardRange own, INDArray gathered) {
        List<INDArray> inputs = new ArrayList<>(List.of(x(own), gathered, delta(own)));
        inputs.addAll(parameters(own));
        return inputs.toArray(new INDArray[0]);
    }

    /** The dense matrix that the layer is: L on the diagonal, C_i D_ij elsewhere. */
    INDArray denseMatrix() {
        INDArray dense = Nd4j.create(x.dataType(), geometry.nIn(), geometry.nOut());
        List<PhantomParameters> shards = PhantomParameters.of(geometry, parameters);
        for (int from = 0; from < geometry.shards(); from++) {
            for (int to = 0; to < geometry.shards(); to++) {
                PhantomParameters source = shards.get(from);
                PhantomParameters target = shards.get(to);
                INDArray block = from == to
                        ? target.local()
                        : source.compressor()
                                .mmul(Products.rows(
                                        target.decompressors(),
                                        geometry.decompressorRow(from, to),
                                        geometry.phantomWidth()));
                dense.get(interval(geometry.in(), from), interval(geometry.out(), to))
                        .assign(block);
            }
        }
        return dense;
    }

    INDArray bias() {
        INDArray[] all = PhantomParameters.of(geometry, parameters).stream()
                .map(PhantomParameters::bias)
                .toArray(INDArray[]::new);
        return Nd4j.concat(0, all);
    }

    private static org.nd4j.linalg.indexing.INDArrayIndex interval(Split split, int shard) {
        return NDArrayIndex.interval(split.offset(shard), split.offset(shard + 1));
    }

    /** The largest absolute difference of two arrays of one shape. */
    static double difference(INDArray expected, INDArray actual) {
        if (!Arrays.equals(expected.shape(), actual.shape())) {
            throw new AssertionError(
                    "expected shape " + Arrays.toString(expected.shape()) + ", got " + Arrays.toString(actual.shape()));
        }
        double difference = expected.sub(actual).amaxNumber().doubleValue();
        return Double.isNaN(difference) ? Double.POSITIVE_INFINITY : difference;
    }
}
