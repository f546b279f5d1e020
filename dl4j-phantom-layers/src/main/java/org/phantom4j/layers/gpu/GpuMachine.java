package org.phantom4j.layers.gpu;

import java.util.ArrayDeque;
import java.util.Deque;
import org.phantom4j.comm.cuda.CudaDevice;
import org.phantom4j.comm.cuda.CudaEvent;
import org.phantom4j.comm.cuda.CudaStream;
import org.phantom4j.comm.cuda.DeviceGroup;
import org.phantom4j.comm.cuda.DeviceMemory;
import org.phantom4j.ops.gpu.Kernels;
import org.phantom4j.ops.gpu.MatrixProducts;
import org.phantom4j.ops.gpu.Precision;
import org.phantom4j.ops.gpu.ProductShape;

/**
 * What one rank's step runs on: a device, its two streams, one for products and one for collectives, kernels, and memory.
 * Belongs to the rank's thread.
 */
final class GpuMachine implements AutoCloseable {

    private static final long ALIGNMENT = 256;

    final CudaDevice device;
    final DeviceGroup group;
    final Precision precision;
    final Kernels kernels;
    final MatrixProducts products;
    final CudaStream main;
    final CudaStream comm;

    private final Deque<AutoCloseable> resources = new ArrayDeque<>();
    private long allocatedBytes;

    GpuMachine(int ordinal, DeviceGroup group, Precision precision) {
        this.group = group;
        this.precision = precision;
        try {
            this.device = own(CudaDevice.open(ordinal));
            this.main = own(CudaStream.create());
            this.comm = own(CudaStream.urgent());
            this.kernels = own(new Kernels(device, precision));
            this.products = own(new MatrixProducts(device, precision, 1));
        } catch (RuntimeException | LinkageError e) {
            close();
            throw e;
        }
    }

    private <T extends AutoCloseable> T own(T resource) {
        resources.push(resource);
        return resource;
    }

    /** Device memory that lives as long as this machine; filled with zeros. */
    long allocate(long bytes) {
        long rounded = (Math.max(bytes, 1) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        DeviceMemory memory = own(DeviceMemory.allocate(rounded));
        allocatedBytes += rounded;
        main.clear(memory.address(), rounded);
        return memory.address();
    }

    /** Room for that many results. */
    long allocateReals(long count) {
        return allocate(count * precision.resultBytes());
    }

    /** Room for that many factors, filled with random numbers, since algorithms are measured on them. */
    long allocateFactors(long count) {
        long address = allocate(count * precision.factorBytes());
        kernels.fill(main, address, count, resources.size(), 1);
        return address;
    }

    /** A product of matrices that stay where they are. */
    ProductCall prepare(ProductShape shape, long a, long b, long c) {
        return new ProductCall(products.prepare(shape, 0, main, a, b, c), a, b, c);
    }

    /** Bytes of all that was allocated, with the products' workspace. */
    long allocatedBytes() {
        return allocatedBytes + products.workspaceBytes();
    }

    DeviceGroup.Type realType() {
        return precision == Precision.FP64 ? DeviceGroup.Type.DOUBLE : DeviceGroup.Type.FLOAT;
    }

    DeviceGroup.Type factorType() {
        return precision.isSplit() ? DeviceGroup.Type.BFLOAT16 : realType();
    }

    /** A collective, which runs beside what the main stream is given between its start and its end. */
    Exchange exchange() {
        CudaEvent ready = own(CudaEvent.create());
        CudaEvent done = own(CudaEvent.create());
        return new Exchange(this, ready, done);
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

    /** Starts a collective when the main stream gets there, and makes the main stream wait for its end. */
    static final class Exchange {
        private final GpuMachine machine;
        private final CudaEvent ready;
        private final CudaEvent done;

        private Exchange(GpuMachine machine, CudaEvent ready, CudaEvent done) {
            this.machine = machine;
            this.ready = ready;
            this.done = done;
        }

        void startAllGather(long part, long whole, long count, DeviceGroup.Type type) {
            if (machine.group.size() > 1) {
                begin();
                machine.group.allGather(part, whole, count, type, machine.comm);
                done.record(machine.comm);
            }
        }

        void startReduceScatter(long whole, long part, long count, DeviceGroup.Type type) {
            if (machine.group.size() > 1) {
                begin();
                machine.group.reduceScatter(whole, part, count, type, machine.comm);
                done.record(machine.comm);
            }
        }

        void startAllReduce(long array, long count, DeviceGroup.Type type) {
            if (machine.group.size() > 1) {
                begin();
                machine.group.allReduce(array, count, type, machine.comm);
                done.record(machine.comm);
            }
        }

        private void begin() {
            ready.record(machine.main);
            machine.comm.await(ready);
        }

        void await() {
            if (machine.group.size() > 1) {
                machine.main.await(done);
            }
        }
    }
}
