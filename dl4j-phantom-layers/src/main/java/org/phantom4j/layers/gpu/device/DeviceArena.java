package org.phantom4j.layers.gpu.device;

import java.util.ArrayDeque;
import java.util.Deque;
import org.phantom4j.comm.cuda.CudaEvent;
import org.phantom4j.comm.cuda.CudaStream;
import org.phantom4j.comm.cuda.DeviceMemory;
import org.phantom4j.ops.gpu.Product;
import org.phantom4j.ops.gpu.ProductShape;

/** Device memory, events and products that are made together and freed together. Belongs to the rank's thread. */
public final class DeviceArena implements AutoCloseable {

    private static final long ALIGNMENT = 256;

    private final GpuMachine machine;
    private final Deque<AutoCloseable> resources = new ArrayDeque<>();
    private long bytes;

    /** An empty one. */
    public DeviceArena(GpuMachine machine) {
        this.machine = machine;
    }

    /** Closes something when this is closed, the last one first. */
    public <T extends AutoCloseable> T own(T resource) {
        resources.push(resource);
        return resource;
    }

    /** Device memory, filled with zeros. */
    public long allocate(long wanted) {
        long rounded = (Math.max(wanted, 1) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        DeviceMemory memory = own(DeviceMemory.allocate(rounded));
        bytes += rounded;
        machine.main.clear(memory.address(), rounded);
        return memory.address();
    }

    /** Room for that many results. */
    public long allocateReals(long count) {
        return allocate(count * machine.precision.resultBytes());
    }

    /** Room for that many factors, filled with random numbers, since algorithms are measured on them. */
    public long allocateFactors(long count) {
        long address = allocate(count * machine.precision.factorBytes());
        machine.kernels.fill(machine.main, address, count, resources.size(), 1);
        return address;
    }

    /** A product of matrices that stay where they are, to be run on one of the streams but that of the loss. */
    public ProductCall prepare(CudaStream stream, ProductShape shape, long a, long b, long c) {
        Product product = machine.product(stream, shape, a, b, c);
        own(() -> machine.products.release(product));
        return new ProductCall(machine, product, shape, stream, a, b, c);
    }

    /** A mark in one stream's work that others wait for. */
    public CudaEvent event() {
        return own(CudaEvent.create());
    }

    /** A collective, which runs beside what the streams are given between its start and its end. */
    public Exchange exchange() {
        return new Exchange(machine, event(), event());
    }

    /** Bytes of device memory that it holds. */
    public long bytes() {
        return bytes;
    }

    /** Not before the device is done with all that uses it. */
    @Override
    public void close() {
        while (!resources.isEmpty()) {
            try {
                resources.pop().close();
            } catch (Exception e) {
                throw new IllegalStateException("cannot free a device's resources", e);
            }
        }
        bytes = 0;
    }
}
