package org.phantom4j.ops.benchmarks;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.nd4j.linalg.api.blas.params.MMulTranspose;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.reduce.Mmul;
import org.nd4j.linalg.factory.Nd4j;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.phantom4j.ops.PhantomDense;
import org.phantom4j.ops.PhantomDenseBp;
import org.phantom4j.ops.PhantomGeometry;
import org.phantom4j.ops.Products;
import org.phantom4j.ops.TensorParallelDense;
import org.phantom4j.ops.TensorParallelDenseBp;

/**
 * One forward and one backward pass of a layer in one process, beside the bare matrix products of the same shapes: ND4J's
 * Mmul between the same arrays, views made beforehand. See {@link LayerBenchmarkMain}.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
public class LayerBenchmark {

    /** Input and output width. */
    @Param("4096")
    public int n;

    /** Shards. */
    @Param("4")
    public int p;

    /** Phantom width. */
    @Param("64")
    public int k;

    /** Samples. */
    @Param("128")
    public int batch;

    private PhantomGeometry geometry;
    private INDArray x;
    private INDArray delta;
    private INDArray weights;
    private INDArray bias;
    private INDArray[] parameters;

    private INDArray[] phantomOutputs;
    private INDArray[] phantomGradients;
    private INDArray[] tensorOutputs;
    private INDArray[] tensorGradients;
    private final List<Product> phantomProducts = new ArrayList<>();
    private final List<Product> tensorProducts = new ArrayList<>();

    /** One matrix product, its arrays ready. */
    private record Product(
            INDArray a, boolean transposeA, INDArray b, boolean transposeB, INDArray target, boolean add) {
        void run() {
            MMulTranspose transposes = MMulTranspose.builder()
                    .transposeA(transposeA)
                    .transposeB(transposeB)
                    .build();
            Nd4j.exec(new Mmul(a, b, target, 1.0, add ? 1.0 : 0.0, transposes));
        }
    }

    /** Makes all arrays. */
    @Setup
    public void makeArrays() {
        Nd4j.getRandom().setSeed(1);
        geometry = new PhantomGeometry(n, n, p, k);
        x = random(batch, n);
        delta = random(batch, n);
        weights = random(n, n);
        bias = random(1, n);
        List<INDArray> all = new ArrayList<>();
        List<INDArray> gradients = new ArrayList<>(List.of(like(x)));
        for (int j = 0; j < p; j++) {
            long width = geometry.in().width(j);
            for (INDArray parameter : List.of(
                    random(width, width),
                    random(width, k),
                    random(geometry.decompressorRows(), width),
                    random(1, width))) {
                all.add(parameter);
                gradients.add(like(parameter));
            }
        }
        parameters = all.toArray(new INDArray[0]);
        phantomGradients = gradients.toArray(new INDArray[0]);
        phantomOutputs = new INDArray[] {like(x), random(batch, geometry.gatheredWidth())};
        tensorOutputs = new INDArray[] {like(x), like(x)};
        tensorGradients = new INDArray[] {like(x), like(weights), like(bias)};
        tensorProducts.add(new Product(x, false, weights, false, tensorOutputs[0], true));
        tensorProducts.add(new Product(delta, false, weights, true, tensorGradients[0], false));
        tensorProducts.add(new Product(x, true, delta, false, tensorGradients[1], false));
        INDArray h = like(phantomOutputs[1]);
        // in a layer's order: a shard's weights are in no cache any more when the backward pass comes to them
        for (int j = 0; j < p; j++) {
            forwardProducts(j);
        }
        for (int j = 0; j < p; j++) {
            backwardProducts(j, h);
        }
    }

    private void forwardProducts(int j) {
        INDArray z = slice(phantomOutputs[0], j);
        phantomProducts.add(
                new Product(slice(x, j), false, parameter(j, 1), false, phantom(phantomOutputs[1], j, 1), false));
        phantomProducts.add(new Product(slice(x, j), false, parameter(j, 0), false, z, true));
        if (j > 0) {
            phantomProducts.add(
                    new Product(phantom(phantomOutputs[1], 0, j), false, rows(parameter(j, 2), 0, j), false, z, true));
        }
        if (j + 1 < p) {
            phantomProducts.add(new Product(
                    phantom(phantomOutputs[1], j + 1, p - 1 - j),
                    false,
                    rows(parameter(j, 2), j, p - 1 - j),
                    false,
                    z,
                    true));
        }
    }

    private void backwardProducts(int j, INDArray h) {
        INDArray d = slice(delta, j);
        INDArray dx = slice(phantomGradients[0], j);
        if (j > 0) {
            phantomProducts.add(new Product(d, false, rows(parameter(j, 2), 0, j), true, phantom(h, 0, j), j > 0));
            phantomProducts.add(
                    new Product(phantom(phantomOutputs[1], 0, j), true, d, false, rows(gradient(j, 2), 0, j), false));
        }
        if (j + 1 < p) {
            phantomProducts.add(new Product(
                    d, false, rows(parameter(j, 2), j, p - 1 - j), true, phantom(h, j + 1, p - 1 - j), j > 0));
            phantomProducts.add(new Product(
                    phantom(phantomOutputs[1], j + 1, p - 1 - j),
                    true,
                    d,
                    false,
                    rows(gradient(j, 2), j, p - 1 - j),
                    false));
        }
        phantomProducts.add(new Product(slice(x, j), true, d, false, gradient(j, 0), false));
        phantomProducts.add(new Product(d, false, parameter(j, 0), true, dx, false));
        phantomProducts.add(new Product(slice(x, j), true, phantom(h, j, 1), false, gradient(j, 1), false));
        phantomProducts.add(new Product(phantom(h, j, 1), false, parameter(j, 1), true, dx, true));
    }

    private static INDArray random(long rows, long columns) {
        return Nd4j.rand(DataType.FLOAT, rows, columns).dup('f');
    }

    private static INDArray like(INDArray array) {
        return array.dup('f');
    }

    private INDArray slice(INDArray activations, int j) {
        return Products.columns(
                activations, geometry.in().offset(j), geometry.in().width(j));
    }

    private INDArray phantom(INDArray gathered, int first, int shards) {
        return Products.columns(gathered, (long) first * k, (long) shards * k);
    }

    private INDArray rows(INDArray decompressors, int first, int shards) {
        return Products.rows(decompressors, (long) first * k, (long) shards * k);
    }

    private INDArray parameter(int j, int which) {
        return parameters[4 * j + which];
    }

    private INDArray gradient(int j, int which) {
        return phantomGradients[1 + 4 * j + which];
    }

    /** phantom_dense and phantom_dense_bp. */
    @Benchmark
    public INDArray[] phantom() {
        INDArray[] inputs = new INDArray[parameters.length + 1];
        inputs[0] = x;
        System.arraycopy(parameters, 0, inputs, 1, parameters.length);
        Nd4j.exec(new PhantomDense(geometry, inputs, phantomOutputs));
        INDArray[] backward = new INDArray[parameters.length + 3];
        backward[0] = x;
        backward[1] = phantomOutputs[1];
        backward[2] = delta;
        System.arraycopy(parameters, 0, backward, 3, parameters.length);
        return Nd4j.exec(new PhantomDenseBp(geometry, backward, phantomGradients, true));
    }

    /** The products of a phantom layer, nothing else. */
    @Benchmark
    public void phantomProducts() {
        phantomProducts.forEach(Product::run);
    }

    /** tensor_parallel_dense and tensor_parallel_dense_bp. */
    @Benchmark
    public INDArray[] tensor() {
        Nd4j.exec(new TensorParallelDense(geometry, new INDArray[] {x, weights, bias}, tensorOutputs));
        INDArray[] backward = {tensorOutputs[1], delta, weights, bias};
        return Nd4j.exec(new TensorParallelDenseBp(geometry, backward, tensorGradients, true));
    }

    /** The products of a tensor-parallel layer, nothing else. */
    @Benchmark
    public void tensorProducts() {
        tensorProducts.forEach(Product::run);
    }
}
