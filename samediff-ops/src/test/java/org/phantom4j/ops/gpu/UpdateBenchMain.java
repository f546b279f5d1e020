package org.phantom4j.ops.gpu;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import org.phantom4j.comm.cuda.CudaDevice;
import org.phantom4j.comm.cuda.CudaEvent;
import org.phantom4j.comm.cuda.CudaGraph;
import org.phantom4j.comm.cuda.CudaStream;
import org.phantom4j.comm.cuda.DeviceMemory;
import org.phantom4j.ops.gpu.ProductStep.OwnRows;
import org.phantom4j.ops.gpu.UpdateKernels.Way;

/**
 * Times the ways to step weights by a product: rows kept, tiles, and the gradient's product by cuBLAS with a step of its own.
 *
 * <p>Usage: UpdateBenchMain [PRECISION [ROWSxCOLUMNSxSHARDSxBATCH ...]], the precision BF16 or BF16_PURE. Weights are taken from
 * several copies in turn, so that they come from memory as they do in a training. GB/s count each weight once read and once written.
 */
final class UpdateBenchMain {

    /** More than caches hold. */
    private static final long COPIES_BYTES = 400L << 20;

    private static final int ROUNDS = 7;
    private static final long LIMIT_NS = 60_000_000_000L;

    private static final String[] SHAPES = {
        "8192x8192x1x64",
        "8192x8192x1x256",
        "8192x8192x1x264",
        "8192x8192x1x512",
        "8192x8192x1x1024",
        "8192x8192x1x2048",
        "8192x8192x1x4096",
        "4096x4096x2x256",
        "4096x4096x2x512",
        "1024x1024x8x512",
        "512x512x16x512",
        "256x256x32x512",
        "256x256x32x256",
        "128x128x64x512",
        "512x32x16x512",
        "256x32x32x512",
        "8192x64x2x256",
        "8192x64x2x512",
        "512x8192x1x512",
        "1024x8192x1x512",
        "128x16384x1x512",
        "128x16384x1x256",
    };

    private final CudaStream stream;
    private final Kernels kernels;
    private final MatrixProducts products;
    private final Precision precision;
    private final Deque<DeviceMemory> memory = new ArrayDeque<>();

    private UpdateBenchMain(CudaStream stream, Kernels kernels, MatrixProducts products, Precision precision) {
        this.stream = stream;
        this.kernels = kernels;
        this.products = products;
        this.precision = precision;
    }

    /** Prints a line a shape. */
    public static void main(String[] arguments) {
        Precision precision = arguments.length == 0 ? Precision.BF16 : Precision.valueOf(arguments[0]);
        String[] shapes = arguments.length < 2 ? SHAPES : Arrays.copyOfRange(arguments, 1, arguments.length);
        try (CudaDevice device = CudaDevice.open(0);
                CudaStream stream = CudaStream.create();
                Kernels kernels = new Kernels(device, precision);
                MatrixProducts products = new MatrixProducts(device, precision, kernels, 1)) {
            System.out.println(device.name() + ", " + precision + "; us, GB/s, TFLOP/s of each way");
            System.out.printf("%-19s", "rows x cols x p x B");
            for (Way way : Way.values()) {
                System.out.printf("%22s", way);
            }
            System.out.printf("%22s%n", "product and sgd");
            for (String shape : shapes) {
                new UpdateBenchMain(stream, kernels, products, precision).time(shape);
            }
        }
    }

    private long allocate(long bytes) {
        memory.push(DeviceMemory.allocate(bytes));
        return memory.peek().address();
    }

    private long random(long count, int seed) {
        long address = allocate(2 * count);
        kernels.fill(stream, address, count, seed, 1);
        return address;
    }

    private void time(String shape) {
        long[] sizes =
                Arrays.stream(shape.split("x")).mapToLong(Long::parseLong).toArray();
        long rows = sizes[0];
        long columns = sizes[1];
        int shards = (int) sizes[2];
        long batch = sizes[3];
        try {
            long weights = rows * columns * shards;
            int copies = (int) Math.max(1, Math.min(32, COPIES_BYTES / (weights * (precision.isSplit() ? 4 : 2))));
            long x = random(rows * shards * batch, 1);
            long delta = random(columns * shards * batch, 2);
            long gradient = allocate(4 * weights);
            long controls = allocate(80);
            stream.clear(controls, 80);
            ProductStep[] steps = new ProductStep[copies];
            for (int i = 0; i < copies; i++) {
                long lower = precision.isSplit() ? allocate(2 * weights) : 0;
                if (lower != 0) {
                    stream.clear(lower, 2 * weights);
                }
                Parameter parameter = new Parameter(random(weights, 3 + i), lower, gradient, weights);
                steps[i] = new ProductStep(
                        x,
                        rows * batch,
                        delta,
                        columns * batch,
                        parameter,
                        rows * columns,
                        rows,
                        rows,
                        columns,
                        shards,
                        OwnRows.NONE);
            }
            System.out.printf("%-19s", shape);
            for (Way way : Way.values()) {
                boolean can = kernels.updates().canUpdate(way, steps[0], batch);
                print(
                        can ? perStep(steps, s -> kernels.updates().update(stream, way, s, batch, controls)) : 0,
                        steps[0],
                        batch);
            }
            Product product =
                    products.prepare(ProductShape.of(true, false, rows, columns, batch), 0, stream, x, delta, gradient);
            print(perStep(steps, s -> productAndSgd(product, s, controls)), steps[0], batch);
            System.out.println(copies > 1 ? "  " + copies + " copies" : "");
        } finally {
            memory.forEach(DeviceMemory::close);
        }
    }

    private void productAndSgd(Product product, ProductStep step, long controls) {
        for (int shard = 0; shard < step.shards(); shard++) {
            product.run(
                    stream,
                    step.x() + 2L * shard * step.xGap(),
                    step.delta() + 2L * shard * step.deltaGap(),
                    step.weights().gradient() + 4L * shard * step.gap());
        }
        kernels.updates().sgd(stream, step.weights(), controls);
    }

    private interface Work {
        void run(ProductStep step);
    }

    /** Microseconds: the median of some replays of a graph of all copies. */
    private double perStep(ProductStep[] steps, Work work) {
        stream.beginCapture();
        try {
            for (int i = 0; i < Math.max(steps.length, 8); i++) {
                work.run(steps[i % steps.length]);
            }
        } catch (RuntimeException e) {
            stream.abandonCapture();
            throw e;
        }
        double[] times = new double[ROUNDS];
        try (CudaGraph graph = stream.endCapture();
                CudaEvent start = CudaEvent.timed();
                CudaEvent end = CudaEvent.timed()) {
            graph.launch(stream);
            for (int i = 0; i < ROUNDS; i++) {
                start.record(stream);
                graph.launch(stream);
                end.record(stream);
                if (!stream.synchronize(LIMIT_NS)) {
                    throw new IllegalStateException("a step has not ended after " + LIMIT_NS / 1e9 + " s");
                }
                times[i] = 1000 * start.millisecondsTo(end) / Math.max(steps.length, 8);
            }
        }
        Arrays.sort(times);
        return times[ROUNDS / 2];
    }

    private void print(double microseconds, ProductStep step, long batch) {
        if (microseconds == 0) {
            System.out.printf("%22s", "-");
            return;
        }
        double weights = (double) step.rows() * step.columns() * step.shards();
        double gigabytes = weights * (precision.isSplit() ? 8 : 4) / microseconds / 1e3;
        System.out.printf(
                "%22s",
                String.format(
                        "%.1f %6.0f %5.0f", microseconds, gigabytes, 2e-6 * step.multiplyAdds(batch) / microseconds));
    }
}
