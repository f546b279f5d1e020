package org.phantom4j.layers.gpu.feed;

import java.util.ArrayDeque;
import java.util.Deque;
import org.phantom4j.comm.cuda.CudaEvent;
import org.phantom4j.comm.cuda.CudaStream;
import org.phantom4j.comm.cuda.DeviceMemory;
import org.phantom4j.comm.cuda.PinnedMemory;
import org.phantom4j.ops.gpu.StepControls;

/**
 * Room for a batch in page-locked memory and on the device, used over and over. The thread that prepares batches fills it, the
 * rank's thread gives it to steps; queues hand it from one to the other.
 */
final class StreamSlot implements AutoCloseable {

    private static final long ALIGNMENT = 256;

    private final FeedDevice device;
    private final RankColumns columns;
    private final CudaEvent loaded = CudaEvent.create();
    private final CudaEvent read = CudaEvent.create();
    private final Deque<AutoCloseable> memory = new ArrayDeque<>();
    private boolean wasRead;
    private volatile long deviceBytes;
    private long capacity;
    private long pinnedInputs;
    private long pinnedTargets;
    private long inputs;
    private long targets;
    private RealBlock inputBlock;
    private RealBlock targetBlock;
    private int rows;

    StreamSlot(FeedDevice device, RankColumns columns) {
        this.device = device;
        this.columns = columns;
    }

    /** Bytes on the device of a slot for that many rows. */
    static long bytes(RankColumns columns, long rows, int realBytes) {
        return aligned(rows * columns.inputWidth() * realBytes) + aligned(rows * columns.targetWidth() * realBytes);
    }

    private static long aligned(long bytes) {
        return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }

    /** Bytes of device memory that it holds. Called by any thread. */
    long deviceBytes() {
        return deviceBytes;
    }

    /** Fills it and starts its copy, once the device has read what it held. */
    void load(HostBatch batch, RowGather gather, CudaStream copies) {
        device.awaitAside(loaded::isDone, "the copy of a batch to the device");
        reserve(batch.rows());
        rows = batch.rows();
        gather.gather(batch.features(), batch.order(), batch.first(), rows, columns.firstInput(), inputBlock);
        if (batch.labels() != null) {
            gather.gather(batch.labels(), batch.order(), batch.first(), rows, columns.firstTarget(), targetBlock);
        }
        if (wasRead) {
            copies.await(read);
        }
        copies.copy(inputs, pinnedInputs, rows * inputBlock.rowBytes());
        if (batch.labels() != null) {
            copies.copy(targets, pinnedTargets, rows * targetBlock.rowBytes());
        }
        loaded.record(copies);
    }

    private void reserve(long wanted) {
        if (wanted <= capacity) {
            return;
        }
        // where sizes differ, the next one will be larger again
        long larger = capacity == 0 ? wanted : wanted + wanted / 2;
        if (wasRead) {
            device.awaitAside(read::isDone, "the end of the step that reads a batch");
        }
        free();
        int real = device.realBytes();
        long inputBytes = aligned(larger * columns.inputWidth() * real);
        long bytes = bytes(columns, larger, real);
        DeviceMemory onDevice = DeviceMemory.allocate(bytes);
        memory.push(onDevice);
        deviceBytes = bytes;
        PinnedMemory pinned = PinnedMemory.allocate(bytes);
        memory.push(pinned);
        inputs = onDevice.address();
        targets = inputs + inputBytes;
        pinnedInputs = pinned.address();
        pinnedTargets = pinnedInputs + inputBytes;
        inputBlock = new RealBlock(pinnedInputs, larger, Math.toIntExact(columns.inputWidth()), real);
        targetBlock = columns.targetWidth() == 0
                ? null
                : new RealBlock(pinnedTargets, larger, Math.toIntExact(columns.targetWidth()), real);
        capacity = larger;
    }

    /** The batch, for what the main stream is given from now on. */
    StepControls.Batch give() {
        device.main().await(loaded);
        return new StepControls.Batch(
                inputs, columns.inputWidth(), targetBlock == null ? 0 : targets, columns.targetWidth(), 0, 0, rows);
    }

    /** Marks that the main stream has been given all that reads it. */
    void markRead() {
        read.record(device.main());
        wasRead = true;
    }

    private void free() {
        capacity = 0;
        deviceBytes = 0;
        while (!memory.isEmpty()) {
            try {
                memory.pop().close();
            } catch (Exception e) {
                throw new IllegalStateException("cannot free a batch's memory", e);
            }
        }
    }

    /** Frees it; neither stream has work with it any more. */
    @Override
    public void close() {
        free();
        loaded.close();
        read.close();
    }
}
