package org.phantom4j.layers.gpu;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.phantom4j.comm.cuda.CudaDevice;
import org.phantom4j.comm.cuda.CudaEvent;
import org.phantom4j.comm.cuda.CudaStream;
import org.phantom4j.comm.cuda.DeviceGroup;
import org.phantom4j.comm.cuda.DeviceMemory;
import org.phantom4j.ops.ShardRange;
import org.phantom4j.ops.gpu.FewSamples;
import org.phantom4j.ops.gpu.Kernels;
import org.phantom4j.ops.gpu.MatrixProducts;
import org.phantom4j.ops.gpu.Precision;
import org.phantom4j.ops.gpu.ProductShape;

/**
 * What one rank's step runs on: a device, its streams, kernels, and memory.
 * Belongs to the rank's thread.
 */
final class GpuMachine implements AutoCloseable {

    private static final long ALIGNMENT = 256;
    static final long TRANSFER_BYTES = 16 << 20;
    private static final long CHECK_NS = 5_000_000;

    final CudaDevice device;
    final DeviceGroup group;
    final Precision precision;
    final Kernels kernels;
    final MatrixProducts products;

    /** What the next layer waits for, and what is sent to other ranks. */
    final CudaStream main;

    /**
     * Products of local weights, beside what is sent. Less urgent than the main stream, and started by an event of it: so they take the
     * multiprocessors that small kernels leave, and not all of them before.
     */
    final CudaStream local;

    /** Steps of weights, which nobody waits for in this pass. */
    final CudaStream weights;

    /** Steps of small weights, which multiprocessors take that others leave idle. */
    final CudaStream aside;

    /** The loss, which nobody waits for before the step's end. */
    final CudaStream loss;

    private final CudaStream comm;

    /** Streams that run products, each with a workspace of its own. */
    private final List<CudaStream> lanes;

    private final Deque<AutoCloseable> resources = new ArrayDeque<>();
    private long transferBuffer;
    private long allocatedBytes;
    private long multiplyAdds;

    GpuMachine(int ordinal, DeviceGroup group, Precision precision) {
        this.group = group;
        this.precision = precision;
        try {
            this.device = own(CudaDevice.open(ordinal));
            this.main = own(CudaStream.create(3));
            this.local = own(CudaStream.create(2));
            this.weights = own(CudaStream.create());
            this.aside = own(CudaStream.create());
            this.loss = own(CudaStream.create());
            this.comm = own(CudaStream.urgent());
            this.lanes = List.of(main, local, weights, aside);
            this.kernels = own(new Kernels(device, precision));
            this.products = own(new MatrixProducts(device, precision, kernels, lanes.size()));
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

    /** Memory for what is copied between the host and the device, {@link #TRANSFER_BYTES} of it. */
    long transferBuffer() {
        if (transferBuffer == 0) {
            transferBuffer = allocate(TRANSFER_BYTES);
        }
        return transferBuffer;
    }

    /** What this rank needs for a network, whatever the batch. */
    MemoryNeed need(Stack stack, ShardRange own, boolean training) {
        long workspace = products.workspaceBytes() + (transferBuffer == 0 ? 0 : TRANSFER_BYTES);
        return MemoryNeed.ofRank(stack, own, precision, training, workspace);
    }

    /** What it needs besides for a size of batch. */
    MemoryNeed need(Stack stack, ShardRange own, boolean training, long batch) {
        long parts = own.count() * partReals(stack, batch) * precision.resultBytes();
        return MemoryNeed.ofBatch(stack, own, precision, training, group.size(), batch)
                .plus(new MemoryNeed(0, 0, 0, parts));
    }

    /** Reals that a shard needs for the parts of pre-activations of few samples; 0: the batch is larger, or there is one shard. */
    long partReals(Stack stack, long batch) {
        FewSamples few = kernels.fewSamples();
        return few != null && few.suits(batch) && stack.shards() > 1 ? few.partReals(batch, stack.widestShard()) : 0;
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

    /** A product of matrices that stay where they are, to be run on one of the streams but that of the loss. */
    ProductCall prepare(CudaStream stream, ProductShape shape, long a, long b, long c) {
        return new ProductCall(
                this, products.prepare(shape, lanes.indexOf(stream), main, a, b, c), shape, stream, a, b, c);
    }

    /** Counts the multiply-adds of a product that was given to a stream. */
    void count(long multiplyAdds) {
        this.multiplyAdds += multiplyAdds;
    }

    /** Multiply-adds of all products that streams were given, or that were recorded. */
    long multiplyAdds() {
        return multiplyAdds;
    }

    /** A mark in one stream's work that others wait for. */
    CudaEvent event() {
        return own(CudaEvent.create());
    }

    /** Bytes of all that was allocated, with the products' workspace. */
    long allocatedBytes() {
        return allocatedBytes + products.workspaceBytes();
    }

    DeviceGroup.Type realType() {
        return precision == Precision.FP64 ? DeviceGroup.Type.DOUBLE : DeviceGroup.Type.FLOAT;
    }

    DeviceGroup.Type factorType() {
        return precision.isNarrow() ? DeviceGroup.Type.BFLOAT16 : realType();
    }

    /** A collective, which runs beside what the streams are given between its start and its end. */
    Exchange exchange() {
        return new Exchange(this, event(), event());
    }

    /**
     * Waits until everything that was started is done.
     *
     * @throws RuntimeException if a rank has failed, or the time is up: the group has then failed, too
     */
    void await(Duration timeout) {
        long began = System.nanoTime();
        while (!main.synchronize(CHECK_NS)) {
            group.check();
            if (System.nanoTime() - began > timeout.toNanos()) {
                group.abort();
                throw new IllegalStateException("what device " + device.ordinal() + " (" + device.name()
                        + ") was given is not done after " + timeout.toMillis()
                        + " ms: has another rank died, or is the time limit too short?");
            }
        }
        group.check();
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

    /** A collective of data that one stream makes, and what other streams wait for. A rank alone waits for the data. */
    static final class Exchange {
        private final GpuMachine machine;
        private final CudaEvent ready;
        private final CudaEvent done;

        private Exchange(GpuMachine machine, CudaEvent ready, CudaEvent done) {
            this.machine = machine;
            this.ready = ready;
            this.done = done;
        }

        void startAllGather(CudaStream from, long part, long whole, long count, DeviceGroup.Type type) {
            start(from, () -> machine.group.allGather(part, whole, count, type, machine.comm));
        }

        void startReduceScatter(CudaStream from, long whole, long part, long count, DeviceGroup.Type type) {
            start(from, () -> machine.group.reduceScatter(whole, part, count, type, machine.comm));
        }

        void startAllReduce(CudaStream from, long array, long count, DeviceGroup.Type type) {
            start(from, () -> machine.group.allReduce(array, count, type, machine.comm));
        }

        private void start(CudaStream from, Runnable collective) {
            ready.record(from);
            if (machine.group.size() > 1) {
                machine.comm.await(ready);
                collective.run();
                done.record(machine.comm);
            }
        }

        void await(CudaStream stream) {
            stream.await(machine.group.size() > 1 ? done : ready);
        }
    }
}
