package org.phantom4j.ops.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.jna.Memory;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Random;
import org.phantom4j.comm.cuda.CudaDevice;
import org.phantom4j.comm.cuda.CudaStream;
import org.phantom4j.comm.cuda.DeviceMemory;

/**
 * Arrays on the first device, for tests of kernels, and the kernels. New memory holds NaN, so that what a kernel leaves out is seen.
 * Nothing here calls cuBLAS, so that tools which cannot follow it can follow these tests.
 */
final class OnDevice implements AutoCloseable {

    private static final long LIMIT_NS = 30_000_000_000L;

    final Precision precision;
    final CudaDevice device;
    final CudaStream stream;
    final Kernels kernels;
    private final Deque<AutoCloseable> resources = new ArrayDeque<>();

    OnDevice(Precision precision) {
        assumeTrue(CudaDevice.count() > 0, "there is no CUDA device here");
        this.precision = precision;
        this.device = own(CudaDevice.open(0));
        this.stream = own(CudaStream.create());
        this.kernels = own(new Kernels(device, precision));
    }

    private <T extends AutoCloseable> T own(T resource) {
        resources.push(resource);
        return resource;
    }

    /** Numbers that every precision holds exactly, and so their products: sixteenths between −1 and 1. */
    static double[] numbers(Random random, int count) {
        double[] numbers = new double[count];
        for (int i = 0; i < count; i++) {
            numbers[i] = (random.nextInt(33) - 16) / 16.0;
        }
        return numbers;
    }

    /** Room that holds NaN, whatever is read from it. */
    long room(long bytes) {
        try (Memory host = new Memory(bytes)) {
            host.setMemory(0, bytes, (byte) 0xff);
            return upload(host);
        }
    }

    long roomForReals(int count) {
        return room((long) count * precision.resultBytes());
    }

    long roomForFactors(int count) {
        return room((long) count * precision.factorBytes());
    }

    private long upload(Memory host) {
        DeviceMemory memory = own(DeviceMemory.allocate(host.size()));
        stream.copy(memory.address(), DeviceMemory.addressOf(host), host.size());
        finish();
        return memory.address();
    }

    void finish() {
        assertTrue(stream.synchronize(LIMIT_NS), "the device has not done it in time");
    }

    long reals(double... values) {
        try (Memory host = new Memory((long) values.length * precision.resultBytes())) {
            for (int i = 0; i < values.length; i++) {
                if (precision == Precision.FP64) {
                    host.setDouble(8L * i, values[i]);
                } else {
                    host.setFloat(4L * i, (float) values[i]);
                }
            }
            return upload(host);
        }
    }

    /** Numbers that a factor holds exactly. */
    long factors(double... values) {
        if (!precision.isNarrow()) {
            return reals(values);
        }
        try (Memory host = new Memory(2L * values.length)) {
            for (int i = 0; i < values.length; i++) {
                host.setShort(2L * i, (short) (Float.floatToRawIntBits((float) values[i]) >>> 16));
            }
            return upload(host);
        }
    }

    long zeros(long bytes) {
        try (Memory host = new Memory(bytes)) {
            host.clear();
            return upload(host);
        }
    }

    long ints(int... values) {
        try (Memory host = new Memory(4L * values.length)) {
            host.write(0, values, 0, values.length);
            return upload(host);
        }
    }

    /** Of a step that has begun, the first, on so many rows that are nowhere. */
    StepControls begun(int rows, double rate) {
        return begun(new StepControls.Batch(0, 0, 0, 0, 0, 0, rows), rate);
    }

    /** Of a step that has begun, the first. */
    StepControls begun(StepControls.Batch batch, double rate) {
        StepControls controls = new StepControls(zeros(StepControls.BYTES));
        controls.begin(kernels, stream, batch, rate, true);
        return controls;
    }

    /** Room for sums of layers of at most so many places. */
    BiasParts biasParts(long length) {
        return new BiasParts(
                room(BiasParts.reals(length) * precision.resultBytes()),
                zeros(BiasParts.counters(length) * Integer.BYTES));
    }

    /** The device's step_controls of a step without data, for kernels that step parameters. */
    long controls(long step, double rate) {
        try (Memory host = new Memory(80)) {
            host.clear();
            host.setLong(48, step);
            host.setDouble(56, rate);
            return upload(host);
        }
    }

    double[] readReals(long address, int count) {
        return read(address, count, precision.resultBytes());
    }

    double[] readFactors(long address, int count) {
        return read(address, count, precision.factorBytes());
    }

    double[] readDoubles(long address, int count) {
        return read(address, count, 8);
    }

    private double[] read(long address, int count, int bytes) {
        double[] values = new double[count];
        try (Memory host = new Memory((long) count * bytes)) {
            stream.copy(DeviceMemory.addressOf(host), address, host.size());
            finish();
            for (int i = 0; i < count; i++) {
                values[i] = switch (bytes) {
                    case 8 -> host.getDouble(8L * i);
                    case 4 -> host.getFloat(4L * i);
                    default -> Float.intBitsToFloat(host.getShort(2L * i) << 16);
                };
            }
        }
        return values;
    }

    /** Parameters, with room for a gradient or without. */
    Parameter parameter(double[] values, boolean gradient) {
        return parameter(values, gradient, 0);
    }

    /** Those from a place on among a rank's. */
    Parameter parameter(double[] values, boolean gradient, long place) {
        int count = values.length;
        long lower = precision.isSplit() ? room((long) count * precision.lowerBytes()) : 0;
        Parameter parameter =
                new Parameter(roomForFactors(count), lower, gradient ? roomForReals(count) : 0, count, place);
        kernels.updates().store(stream, reals(values), parameter);
        finish();
        return parameter;
    }

    double[] read(Parameter parameter) {
        int count = (int) parameter.length();
        long to = roomForReals(count);
        kernels.updates().fetch(stream, parameter, to);
        return readReals(to, count);
    }

    /** How much a sum of numbers like {@link #numbers} may differ. */
    double sumBound() {
        return precision == Precision.FP64 ? 1e-13 : 2e-6;
    }

    /** How much a factor may differ, relatively: half of its last bit, and what a sum may. */
    double factorBound() {
        return switch (precision) {
            case BF16, BF16_PURE -> 1.0 / 256;
            case TF32 -> 1.0 / 2048;
            default -> 2 * sumBound();
        };
    }

    /** How much a parameter may differ. */
    double parameterBound() {
        return switch (precision) {
            case BF16_PURE -> 1.0 / 128;
            default -> 2 * sumBound();
        };
    }

    static void assertNear(double[] expected, double[] actual, double bound, String what) {
        assertEquals(expected.length, actual.length, what);
        double largest = 1;
        for (double value : expected) {
            largest = Math.max(largest, Math.abs(value));
        }
        for (int i = 0; i < expected.length; i++) {
            double error = Math.abs(actual[i] - expected[i]);
            assertTrue(
                    error <= bound * largest,
                    what + ", " + i + " of " + expected.length + ": " + actual[i] + " for " + expected[i]);
        }
    }

    /** From feature-major [batch, width] to sample-major. */
    static double[] transposed(double[] features, int batch, int width) {
        double[] samples = new double[features.length];
        for (int f = 0; f < width; f++) {
            for (int b = 0; b < batch; b++) {
                samples[b * width + f] = features[f * batch + b];
            }
        }
        return samples;
    }

    /** c = x w: x and c feature-major, [batch, inner] and [batch, width]; w [inner, width], a column's elements together. */
    static double[] product(double[] x, double[] w, int batch, int inner, int width) {
        double[] c = new double[batch * width];
        for (int f = 0; f < width; f++) {
            for (int i = 0; i < inner; i++) {
                for (int b = 0; b < batch; b++) {
                    c[f * batch + b] += x[i * batch + b] * w[f * inner + i];
                }
            }
        }
        return c;
    }

    @Override
    public void close() {
        while (!resources.isEmpty()) {
            try {
                resources.pop().close();
            } catch (Exception e) {
                throw new IllegalStateException("cannot free a device's resources", e);
            }
        }
    }
}
