package org.phantom4j.layers.gpu.device;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.phantom4j.comm.cuda.CudaDevice;
import org.phantom4j.comm.cuda.CudaEvent;
import org.phantom4j.comm.cuda.CudaStream;
import org.phantom4j.comm.cuda.DeviceGroup;
import org.phantom4j.ops.gpu.Kernels;
import org.phantom4j.ops.gpu.MatrixProducts;
import org.phantom4j.ops.gpu.Precision;
import org.phantom4j.ops.gpu.Product;
import org.phantom4j.ops.gpu.ProductShape;

/** What one rank's steps run on: a device, its streams, kernels, and products. Belongs to the rank's thread. */
public final class GpuMachine implements AutoCloseable {

    /** Bytes of {@link #transferBuffer}. */
    public static final long TRANSFER_BYTES = 16 << 20;

    private static final long CHECK_NS = 5_000_000;

    /** Looks at what is waited for between two pauses. */
    private static final int LOOKS = 2000;

    private static final long PARK_NS = 20_000;

    public final CudaDevice device;
    public final DeviceGroup group;
    public final Precision precision;
    public final Kernels kernels;
    public final MatrixProducts products;

    /** What the next layer waits for, and what is sent to other ranks. */
    public final CudaStream main;

    /**
     * Products of local weights, beside what is sent. Less urgent than the main stream, and started by an event of it: so they take the
     * multiprocessors that small kernels leave, and not all of them before.
     */
    public final CudaStream local;

    /** Steps of weights, which nobody waits for in this pass. */
    public final CudaStream weights;

    /** Steps of small weights, which multiprocessors take that others leave idle. */
    public final CudaStream aside;

    /** The loss, which nobody waits for before the step's end. */
    public final CudaStream loss;

    /** Memory that lives as long as this machine. */
    public final DeviceArena memory = new DeviceArena(this);

    final CudaStream comm;

    /** Streams that run products, each with a workspace of its own. */
    private final List<CudaStream> lanes;

    private long transferBuffer;
    private long multiplyAdds;

    /** Opens a device. */
    public GpuMachine(int ordinal, DeviceGroup group, Precision precision) {
        this.group = group;
        this.precision = precision;
        try {
            this.device = memory.own(CudaDevice.open(ordinal));
            this.main = memory.own(CudaStream.create(3));
            this.local = memory.own(CudaStream.create(2));
            this.weights = memory.own(CudaStream.create());
            this.aside = memory.own(CudaStream.create());
            this.loss = memory.own(CudaStream.create());
            this.comm = memory.own(CudaStream.urgent());
            this.lanes = List.of(main, local, weights, aside);
            this.kernels = memory.own(new Kernels(device, precision));
            this.products = memory.own(new MatrixProducts(device, precision, kernels, lanes.size()));
        } catch (RuntimeException | LinkageError e) {
            memory.close();
            throw e;
        }
    }

    /** Memory for what is copied between the host and the device, {@link #TRANSFER_BYTES} of it. */
    public long transferBuffer() {
        if (transferBuffer == 0) {
            transferBuffer = memory.allocate(TRANSFER_BYTES);
        }
        return transferBuffer;
    }

    Product product(CudaStream stream, ProductShape shape, long a, long b, long c) {
        return products.prepare(shape, lanes.indexOf(stream), main, a, b, c);
    }

    /** Counts the multiply-adds of a product that was given to a stream. */
    public void count(long more) {
        this.multiplyAdds += more;
    }

    /** Multiply-adds of all products that streams were given, or that were recorded. */
    public long multiplyAdds() {
        return multiplyAdds;
    }

    /** Bytes that are held whatever is trained: workspaces of products and copies. */
    public long workspaceBytes() {
        return products.workspaceBytes() + (transferBuffer == 0 ? 0 : TRANSFER_BYTES);
    }

    /** What collectives of results carry. */
    public DeviceGroup.Type realType() {
        return precision == Precision.FP64 ? DeviceGroup.Type.DOUBLE : DeviceGroup.Type.FLOAT;
    }

    /** What collectives of factors carry. */
    public DeviceGroup.Type factorType() {
        return precision.isNarrow() ? DeviceGroup.Type.BFLOAT16 : realType();
    }

    /**
     * Waits until everything that was started is done.
     *
     * @throws RuntimeException if a rank has failed, or the time is up: the group has then failed, too
     */
    public void await(Duration timeout) {
        long began = System.nanoTime();
        while (!main.synchronize(CHECK_NS)) {
            group.check();
            if (System.nanoTime() - began > timeout.toNanos()) {
                throw late(timeout);
            }
        }
        group.check();
    }

    /**
     * Waits until an event has happened.
     *
     * @throws RuntimeException as {@link #await(Duration)} does
     */
    public void await(CudaEvent event, Duration timeout) {
        await(event::isDone, timeout);
    }

    /**
     * Waits until something holds that the device makes so.
     *
     * @throws RuntimeException as {@link #await(Duration)} does
     */
    public void await(BooleanSupplier holds, Duration timeout) {
        long began = System.nanoTime();
        for (int looks = 0; !holds.getAsBoolean(); looks++) {
            if (looks % LOOKS == LOOKS - 1) {
                group.check();
                if (System.nanoTime() - began > timeout.toNanos()) {
                    throw late(timeout);
                }
                LockSupport.parkNanos(PARK_NS);
            } else {
                Thread.onSpinWait();
            }
        }
        group.check();
    }

    /** Waits until everything that was started has ended, whether well or not, so that its memory can be freed. */
    public void settle(Duration timeout) {
        if (!main.synchronize(timeout.toNanos())) {
            group.abort();
        }
    }

    /** The failure of what is not done in time; the group has failed with it. */
    public RuntimeException late(Duration timeout) {
        group.abort();
        return new IllegalStateException("what device " + device.ordinal() + " (" + device.name()
                + ") was given is not done after " + timeout.toMillis()
                + " ms: has another rank died, or is the time limit too short?");
    }

    @Override
    public void close() {
        memory.close();
    }
}
