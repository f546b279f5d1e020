package org.phantom4j.layers.gpu.feed;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.NoSuchElementException;
import org.phantom4j.comm.cuda.CudaEvent;
import org.phantom4j.comm.cuda.CudaStream;
import org.phantom4j.comm.cuda.DeviceMemory;
import org.phantom4j.ops.gpu.StepControls;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Samples that stay on the device: each rank's columns, copied once. A batch is a piece of the epoch's order, which is copied ahead
 * of its epoch: a step costs the host nothing.
 */
final class ResidentFeed implements Feed {

    private static final Logger LOG = LoggerFactory.getLogger(ResidentFeed.class);
    private static final long ALIGNMENT = 256;

    private final FeedDevice device;
    private final RankColumns columns;
    private final HostSamples samples;
    private final String description;
    private final Deque<AutoCloseable> resources = new ArrayDeque<>();
    private final CudaStream copies;
    private final long inputs;
    private final long targets;
    private final DeviceOrders orders;
    private long order;
    private int next;
    private int given;
    private boolean closed;

    /**
     * Copies the samples; host threads convert them meanwhile.
     *
     * @param why the reason for keeping them, for {@link #describe}; may be empty
     * @throws IllegalArgumentException if the samples do not fit the columns
     * @throws org.phantom4j.comm.cuda.CudaException if the device has no room for them
     */
    ResidentFeed(FeedDevice device, RankColumns columns, HostSamples samples, String why) {
        columns.require(samples.features(), samples.labels(), "the data set");
        this.device = device;
        this.columns = columns;
        this.samples = samples;
        this.next = samples.rows();
        this.description = String.format(
                "resident: %,d samples in batches of %d, %,d bytes on the device%s",
                samples.rows(), samples.batch(), bytes(columns, samples, device.realBytes()), why);
        try {
            int real = device.realBytes();
            long inputBytes = aligned(samples.rows() * columns.inputWidth() * real);
            long targetBytes = aligned(samples.rows() * columns.targetWidth() * real);
            this.copies = own(CudaStream.create());
            this.inputs = own(DeviceMemory.allocate(inputBytes + targetBytes)).address();
            this.targets = columns.targetWidth() == 0 ? 0 : inputs + inputBytes;
            this.orders = samples.seed().isPresent()
                    ? own(new DeviceOrders(
                            device, copies, samples.rows(), samples.seed().getAsLong()))
                    : null;
            upload();
        } catch (RuntimeException e) {
            free();
            throw e;
        }
    }

    /** What it takes of the device's memory. */
    static long bytes(RankColumns columns, HostSamples samples, int realBytes) {
        long rows = samples.rows();
        return aligned(rows * columns.inputWidth() * realBytes)
                + aligned(rows * columns.targetWidth() * realBytes)
                + (samples.seed().isPresent() ? 2 * aligned(rows * Integer.BYTES) : 0);
    }

    private static long aligned(long bytes) {
        return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }

    private <T extends AutoCloseable> T own(T resource) {
        resources.push(resource);
        return resource;
    }

    private void upload() {
        long widest = Math.max(columns.inputWidth(), columns.targetWidth()) * device.realBytes();
        try (RowGather gather = new RowGather(device.threads());
                RowUpload upload = new RowUpload(device, gather, copies, widest)) {
            upload.copy(
                    SourceRows.of(samples.features()),
                    columns.firstInput(),
                    Math.toIntExact(columns.inputWidth()),
                    inputs);
            if (targets != 0) {
                upload.copy(
                        SourceRows.of(samples.labels()),
                        columns.firstTarget(),
                        Math.toIntExact(columns.targetWidth()),
                        targets);
            }
        }
        // the copies are done: the main stream needs no event
    }

    @Override
    public void startEpoch(long epoch) {
        if (next < samples.rows() || given > 0) {
            throw new IllegalStateException("epoch " + epoch + " cannot start: the one before has batches left");
        }
        if (orders != null) {
            order = orders.start(epoch);
        }
        next = 0;
    }

    @Override
    public boolean hasNext() {
        return next < samples.rows();
    }

    @Override
    public StepControls.Batch next() {
        if (given > 0) {
            throw new IllegalStateException("the batch before has not been used: call used() after the step");
        }
        if (!hasNext()) {
            throw new NoSuchElementException("the epoch has no more batches");
        }
        if (orders != null) {
            orders.copyAhead();
        }
        given = Math.min(samples.batch(), samples.rows() - next);
        return new StepControls.Batch(inputs, columns.inputWidth(), targets, columns.targetWidth(), order, next, given);
    }

    @Override
    public void used() {
        if (given == 0) {
            throw new IllegalStateException("there is no batch that was used: call next() first");
        }
        next += given;
        given = 0;
        if (orders != null && !hasNext()) {
            orders.end();
        }
    }

    @Override
    public long deviceBytes() {
        return bytes(columns, samples, device.realBytes());
    }

    @Override
    public String describe() {
        return description;
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        try (CudaEvent idle = CudaEvent.create()) {
            idle.record(device.main());
            device.awaitAside(() -> idle.isDone() && copies.isDone(), "the end of the steps that read batches");
        } catch (RuntimeException e) {
            LOG.warn("samples are freed although the device may still read them: {}", e.getMessage());
        }
        free();
    }

    private void free() {
        while (!resources.isEmpty()) {
            try {
                resources.pop().close();
            } catch (Exception e) {
                throw new IllegalStateException("cannot free what samples took of the device", e);
            }
        }
    }
}
