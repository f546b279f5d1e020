package org.phantom4j.layers.gpu;

import org.phantom4j.comm.cuda.CudaEvent;
import org.phantom4j.comm.cuda.DeviceGroup;
import org.phantom4j.layers.gpu.device.GpuMachine;
import org.phantom4j.layers.gpu.device.ProductCall;
import org.phantom4j.ops.gpu.Precision;
import org.phantom4j.ops.gpu.ProductShape;

/**
 * What a device can do at most, as measured: a large matrix product, and a large copy. Times of steps are judged by them.
 *
 * @param flops floating-point operations a second, two for each multiply-add
 * @param bytesPerSecond read and written
 */
public record DeviceCeilings(double flops, double bytesPerSecond) {

    private static final long SIZE = 8192;
    private static final int REPEATS = 10;
    private static final double MS_PER_S = 1e3;

    /** Measures a device; takes less than a second. */
    public static DeviceCeilings measure(int device, Precision precision) {
        try (GpuMachine machine = new GpuMachine(device, DeviceGroup.single(), precision);
                CudaEvent start = CudaEvent.timed();
                CudaEvent middle = CudaEvent.timed();
                CudaEvent end = CudaEvent.timed()) {
            long a = machine.memory.allocateFactors(SIZE * SIZE);
            long b = machine.memory.allocateFactors(SIZE * SIZE);
            long c = machine.memory.allocateReals(SIZE * SIZE);
            ProductCall product =
                    machine.memory.prepare(machine.main, ProductShape.of(true, false, SIZE, SIZE, SIZE), a, b, c);
            product.run();
            start.record(machine.main);
            for (int i = 0; i < REPEATS; i++) {
                product.run();
            }
            middle.record(machine.main);
            long bytes = SIZE * SIZE * precision.factorBytes();
            for (int i = 0; i < REPEATS; i++) {
                machine.main.copy(a, b, bytes);
            }
            end.record(machine.main);
            machine.await(java.time.Duration.ofMinutes(1));
            double operations = 2.0 * SIZE * SIZE * SIZE * REPEATS;
            return new DeviceCeilings(
                    operations / start.millisecondsTo(middle) * MS_PER_S,
                    2.0 * bytes * REPEATS / middle.millisecondsTo(end) * MS_PER_S);
        }
    }

    /** The least milliseconds in which a step can be done: the longer of its arithmetic and its memory traffic. */
    public double floorMs(StepBenchmark.Setup setup, int ranks) {
        return MS_PER_S * Math.max(2.0 * setup.multiplyAdds(ranks) / flops, setup.weightBytes(ranks) / bytesPerSecond);
    }
}
