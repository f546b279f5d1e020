package org.phantom4j.ops.gpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.jna.Memory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.phantom4j.comm.cuda.CudaGraph;
import org.phantom4j.comm.cuda.DeviceMemory;
import org.phantom4j.ops.cache.Damage;
import org.phantom4j.ops.cache.UserCache;

/** Products by cuBLAS against products by hand: transposed or not, several at once, with gaps, scaled by numbers on the device. */
class MatrixProductsTest {

    private static final int ROWS = 24;
    private static final int COLUMNS = 16;
    private static final int INNER = 40;
    private static final int PADDING = 8;

    /** Matrices of numbers, in memory as a shape says, and what lies between them. */
    private record Operand(ProductShape.Matrix matrix, double[] values) {

        static Operand random(Random random, ProductShape.Matrix matrix, int count) {
            long last = (count - 1) * matrix.gap() + (matrix.columns() - 1) * matrix.stride() + matrix.rows();
            return new Operand(matrix, OnDevice.numbers(random, Math.toIntExact(last)));
        }

        int index(int product, int row, int column) {
            int r = matrix.transposed() ? column : row;
            int c = matrix.transposed() ? row : column;
            return Math.toIntExact(product * matrix.gap() + c * matrix.stride() + r);
        }

        double get(int product, int row, int column) {
            return values[index(product, row, column)];
        }
    }

    private static double[] expected(ProductShape shape, double scale, Operand a, Operand b, Operand c) {
        double[] result = c.values.clone();
        for (int product = 0; product < shape.count(); product++) {
            for (int row = 0; row < shape.rows(); row++) {
                for (int column = 0; column < shape.columns(); column++) {
                    double sum = 0;
                    for (int i = 0; i < shape.inner(); i++) {
                        sum += a.get(product, row, i) * b.get(product, i, column);
                    }
                    int at = c.index(product, row, column);
                    result[at] = scale * sum + (shape.adds() ? c.values[at] : 0);
                }
            }
        }
        return result;
    }

    private static ProductShape batch(boolean transposeA, boolean transposeB, int count) {
        ProductShape dense = ProductShape.of(transposeA, transposeB, ROWS, COLUMNS, INNER);
        ProductShape wider = dense.withStrideA(dense.a().stride() + PADDING)
                .withStrideB(dense.b().stride() + PADDING)
                .withStrideC(dense.c().stride() + PADDING);
        return wider.batched(count, size(wider.a()), size(wider.b()) + PADDING, size(wider.c()) + PADDING);
    }

    private static long size(ProductShape.Matrix matrix) {
        return matrix.stride() * matrix.columns();
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void batchesAreComputedAsEachProductIs(Precision precision) {
        Random random = new Random(11);
        try (OnDevice on = new OnDevice(precision);
                MatrixProducts products = new MatrixProducts(on.device, precision, on.kernels, 1)) {
            for (int count : new int[] {1, 2, 5}) {
                for (int transposed = 0; transposed < 4; transposed++) {
                    ProductShape shape = batch(transposed % 2 == 1, transposed / 2 == 1, count);
                    assertComputed(on, products, random, shape);
                    assertComputed(on, products, random, shape.added());
                }
                ProductShape oneA = batch(true, false, count);
                assertComputed(
                        on,
                        products,
                        random,
                        oneA.batched(count, 0, oneA.b().gap(), oneA.c().gap()));
            }
        }
    }

    private static void assertComputed(OnDevice on, MatrixProducts products, Random random, ProductShape shape) {
        Operand a = Operand.random(random, shape.a(), shape.count());
        Operand b = Operand.random(random, shape.b(), shape.count());
        Operand c = Operand.random(random, shape.c(), shape.count());
        long onA = on.factors(a.values);
        long onB = on.factors(b.values);
        long onC = on.reals(c.values);
        Product product = products.prepare(shape, 0, on.stream, onA, onB, onC);
        if (shape.adds()) {
            on.finish();
            OnDevice.assertNear(c.values, on.readReals(onC, c.values.length), 1e-15, "left as it was: " + shape.key());
        }
        product.run(on.stream, onA, onB, onC);
        on.finish();
        OnDevice.assertNear(
                expected(shape, 1, a, b, c), on.readReals(onC, c.values.length), on.sumBound(), shape.key());
        products.release(product);
    }

    /** A rate that changes between runs, of a product and of a graph that it is recorded in. */
    @ParameterizedTest
    @EnumSource(Precision.class)
    void theScaleIsReadWhenAProductRuns(Precision precision) {
        Random random = new Random(12);
        try (OnDevice on = new OnDevice(precision);
                MatrixProducts products = new MatrixProducts(on.device, precision, on.kernels, 1)) {
            for (int count : new int[] {1, 3}) {
                for (boolean adds : new boolean[] {true, false}) {
                    long rate = on.reals(Double.NaN);
                    ProductShape plain = batch(true, false, count).timesValueAt(rate);
                    ProductShape shape = adds ? plain.added() : plain;
                    Operand a = Operand.random(random, shape.a(), count);
                    Operand b = Operand.random(random, shape.b(), count);
                    Operand c = Operand.random(random, shape.c(), count);
                    long onA = on.factors(a.values);
                    long onB = on.factors(b.values);
                    long onC = on.reals(c.values);
                    Product product = products.prepare(shape, 0, on.stream, onA, onB, onC);
                    set(on, rate, -0.5);
                    product.run(on.stream, onA, onB, onC);
                    on.finish();
                    double[] once = expected(shape, -0.5, a, b, c);
                    assertReals(on, once, onC, shape);
                    on.stream.beginCapture();
                    product.run(on.stream, onA, onB, onC);
                    try (CudaGraph graph = on.stream.endCapture()) {
                        products.release(product);
                        set(on, rate, 0.25);
                        graph.launch(on.stream);
                        on.finish();
                        double[] twice = expected(shape, 0.25, a, b, new Operand(c.matrix, once));
                        assertReals(on, twice, onC, shape);
                        set(on, rate, 0);
                        graph.launch(on.stream);
                        on.finish();
                        assertReals(on, expected(shape, 0, a, b, new Operand(c.matrix, twice)), onC, shape);
                    }
                }
            }
        }
    }

    private static void assertReals(OnDevice on, double[] expected, long address, ProductShape shape) {
        OnDevice.assertNear(expected, on.readReals(address, expected.length), on.sumBound(), shape.key());
    }

    private static void set(OnDevice on, long address, double value) {
        try (Memory host = new Memory(8)) {
            Scalars.set(host, on.precision, value);
            on.stream.copy(address, DeviceMemory.addressOf(host), on.precision.resultBytes());
            on.finish();
        }
        assertArrayEquals(new double[] {value}, on.readReals(address, 1));
    }

    /** Of kernels, algorithms and answers: what is damaged is not handed to the driver. */
    @Test
    void damagedFilesOfTheCacheAreMadeAnew(@TempDir Path root) throws IOException {
        Random random = new Random(13);
        System.setProperty(UserCache.PROPERTY, root.toString());
        try {
            assertPrepared();
            List<Path> files;
            try (Stream<Path> all = Files.walk(root)) {
                files = all.filter(Files::isRegularFile).toList();
            }
            assertEquals(
                    Set.of("kernels", "products"),
                    files.stream()
                            .map(file -> file.getParent().getFileName().toString())
                            .collect(Collectors.toSet()));
            for (Path file : files) {
                byte[] whole = Files.readAllBytes(file);
                Files.write(file, Damage.of(whole, random));
            }
            assertPrepared();
            for (Path file : files) {
                String kind = file.getParent().getFileName().toString();
                Optional<byte[]> content =
                        UserCache.of(kind).read(file.getFileName().toString());
                assertTrue(content.isPresent(), file + " was made anew");
            }
        } finally {
            System.clearProperty(UserCache.PROPERTY);
        }
    }

    private static void assertPrepared() {
        try (OnDevice on = new OnDevice(Precision.TF32);
                MatrixProducts products = new MatrixProducts(on.device, on.precision, on.kernels, 1)) {
            assertComputed(on, products, new Random(14), batch(true, false, 2));
            boolean preferred = products.isPreferred(on.stream, "one or the other", () -> {}, () -> {}, 1e9);
            assertTrue(preferred, "nothing is as fast as nothing");
        }
    }
}
