package org.phantom4j.layers.gpu.feed;

import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.Deque;
import org.phantom4j.comm.cuda.CudaEvent;
import org.phantom4j.comm.cuda.CudaStream;
import org.phantom4j.comm.cuda.DeviceMemory;
import org.phantom4j.comm.cuda.PinnedMemory;

/** The orders of epochs on the device: that of the epoch under way, and that of the next, which is copied meanwhile. */
final class DeviceOrders implements AutoCloseable {

    /** Room for an order. */
    private static final class Side {
        private final PinnedMemory pinned;
        private final DeviceMemory memory;
        private final CudaEvent copied;
        private final CudaEvent read;
        private long epoch = -1;
        private boolean wasRead;

        private Side(Deque<AutoCloseable> resources, long bytes) {
            this.pinned = PinnedMemory.allocate(bytes);
            resources.push(pinned);
            this.memory = DeviceMemory.allocate(bytes);
            resources.push(memory);
            this.copied = CudaEvent.create();
            resources.push(copied);
            this.read = CudaEvent.create();
            resources.push(read);
        }
    }

    private final FeedDevice device;
    private final CudaStream copies;
    private final int rows;
    private final EpochOrders orders;
    private final Deque<AutoCloseable> resources = new ArrayDeque<>();
    private Side current;
    private Side other;

    DeviceOrders(FeedDevice device, CudaStream copies, int rows, long seed) {
        this.device = device;
        this.copies = copies;
        this.rows = rows;
        this.orders = new EpochOrders(rows, seed);
        resources.push(orders);
        try {
            this.current = new Side(resources, (long) rows * Integer.BYTES);
            this.other = new Side(resources, (long) rows * Integer.BYTES);
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /** Where the main stream reads an epoch's order from now on. */
    long start(long epoch) {
        if (other.epoch != epoch) {
            copy(epoch);
        }
        Side started = other;
        other = current;
        current = started;
        device.main().await(started.copied);
        orders.prepare(epoch + 1);
        return started.memory.address();
    }

    /** Copies the next epoch's order as soon as it is made and has a place. Never waits. */
    void copyAhead() {
        long coming = current.epoch + 1;
        if (other.epoch != coming && orders.isReady(coming) && other.copied.isDone()) {
            copy(coming);
        }
    }

    /** Marks that the main stream has been given all that reads the current order. */
    void end() {
        current.read.record(device.main());
        current.wasRead = true;
    }

    private void copy(long epoch) {
        int[] order = orders.take(epoch);
        device.await(other.copied::isDone, "the copy of an epoch's order to the device");
        other.pinned.buffer().order(ByteOrder.nativeOrder()).asIntBuffer().put(order);
        if (other.wasRead) {
            copies.await(other.read);
        }
        copies.copy(other.memory.address(), other.pinned.address(), (long) rows * Integer.BYTES);
        other.copied.record(copies);
        other.epoch = epoch;
    }

    @Override
    public void close() {
        while (!resources.isEmpty()) {
            try {
                resources.pop().close();
            } catch (Exception e) {
                throw new IllegalStateException("cannot free an epoch's order", e);
            }
        }
    }
}
