package org.phantom4j.layers.gpu.feed;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.NoSuchElementException;
import org.phantom4j.comm.DenseArrays;
import org.phantom4j.comm.cuda.CudaEvent;
import org.phantom4j.comm.cuda.CudaStream;
import org.phantom4j.ops.gpu.StepControls;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Batches that are copied to the device while steps run: a thread prepares them ahead of time in a ring of slots, and a stream of
 * its own copies them.
 */
final class StreamedFeed implements Feed {

    /** One that is read, one that is copied, two that are prepared. */
    static final int SLOTS = 4;

    private static final long POLL_MS = 5;

    private static final Logger LOG = LoggerFactory.getLogger(StreamedFeed.class);

    private final FeedDevice device;
    private final BatchSource source;
    private final String description;
    private final List<StreamSlot> slots = new ArrayList<>();
    private final Deque<AutoCloseable> resources = new ArrayDeque<>();
    private final CudaStream copies;
    private final Feeder feeder;
    private final Thread thread;
    private Feeder.Item head = new Feeder.Item(null, null);
    private StreamSlot given;
    private boolean closed;

    /**
     * Starts its threads.
     *
     * @param source closed with this feed
     * @param why the reason for streaming, for {@link #describe}; may be empty
     */
    StreamedFeed(FeedDevice device, RankColumns columns, BatchSource source, String why) {
        this.device = device;
        this.source = own(source);
        this.description = "streamed from " + source.describe() + " with " + device.threads() + " threads" + why;
        try {
            for (int i = 0; i < SLOTS; i++) {
                slots.add(own(new StreamSlot(device, columns)));
            }
            this.copies = own(CudaStream.create());
            RowGather gather = own(new RowGather(device.threads()));
            this.feeder = new Feeder(device, source, gather, copies, slots);
        } catch (RuntimeException e) {
            free();
            throw e;
        }
        this.thread = Threads.daemon(DenseArrays.onThisDevice(feeder), "feed");
        thread.start();
    }

    private <T extends AutoCloseable> T own(T resource) {
        resources.push(resource);
        return resource;
    }

    @Override
    public void startEpoch(long epoch) {
        if (given != null || hasNext()) {
            throw new IllegalStateException("epoch " + epoch + " cannot start: the one before has batches left");
        }
        head = null;
        feeder.start(epoch);
    }

    @Override
    public boolean hasNext() {
        if (head == null) {
            device.await(this::poll, "the next batch");
        }
        return !head.isEnd();
    }

    /** Waits a little for what comes next; returns whether it is there. */
    private boolean poll() {
        try {
            head = feeder.poll(POLL_MS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return head != null;
    }

    @Override
    public StepControls.Batch next() {
        if (given != null) {
            throw new IllegalStateException("the batch before has not been used: call used() after the step");
        }
        if (!hasNext()) {
            throw new NoSuchElementException("the epoch has no more batches");
        }
        if (head.failure() != null) {
            throw thrown(head.failure());
        }
        given = head.slot();
        head = null;
        return given.give();
    }

    private static RuntimeException thrown(Throwable failure) {
        if (failure instanceof Error error) {
            throw error;
        }
        return failure instanceof RuntimeException exception
                ? exception
                : new IllegalStateException("a batch could not be prepared: " + failure, failure);
    }

    @Override
    public void used() {
        if (given == null) {
            throw new IllegalStateException("there is no batch that was used: call next() first");
        }
        given.markRead();
        feeder.release(given);
        given = null;
    }

    @Override
    public long deviceBytes() {
        return slots.stream().mapToLong(StreamSlot::deviceBytes).sum();
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
        if (!Threads.end(thread)) {
            LOG.warn(
                    "the thread that asks {} for batches does not end: its memory stays until the process does",
                    source.describe());
            return;
        }
        try (CudaEvent idle = CudaEvent.create()) {
            idle.record(device.main());
            device.awaitAside(() -> idle.isDone() && copies.isDone(), "the end of the steps that read batches");
        } catch (RuntimeException e) {
            LOG.warn("batches are freed although the device may still read them: {}", e.getMessage());
        }
        free();
    }

    private void free() {
        while (!resources.isEmpty()) {
            try {
                resources.pop().close();
            } catch (Exception e) {
                throw new IllegalStateException("cannot free what batches took of the device", e);
            }
        }
    }
}
