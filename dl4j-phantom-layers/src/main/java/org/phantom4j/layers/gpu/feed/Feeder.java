package org.phantom4j.layers.gpu.feed;

import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import org.phantom4j.comm.cuda.CudaStream;

/**
 * The thread that prepares a stream's batches: asks their source, gathers rows, starts copies. What it has made, and what went
 * wrong, it hands on in order.
 */
final class Feeder implements Runnable {

    /**
     * What comes next.
     *
     * @param slot a batch; null at an epoch's end, or where there is a failure
     * @param failure what was thrown instead of a batch
     */
    record Item(StreamSlot slot, Throwable failure) {

        boolean isEnd() {
            return slot == null && failure == null;
        }
    }

    private final FeedDevice device;
    private final BatchSource source;
    private final RowGather gather;
    private final CudaStream copies;
    private final BlockingQueue<Long> epochs = new ArrayBlockingQueue<>(1);
    private final BlockingQueue<StreamSlot> free;
    private final BlockingQueue<Item> ready;
    private long epoch;
    private long batch;

    Feeder(FeedDevice device, BatchSource source, RowGather gather, CudaStream copies, List<StreamSlot> slots) {
        this.device = device;
        this.source = source;
        this.gather = gather;
        this.copies = copies;
        this.free = new ArrayBlockingQueue<>(slots.size(), false, slots);
        // all slots, and an end or a failure
        this.ready = new ArrayBlockingQueue<>(slots.size() + 1);
    }

    /** Has an epoch prepared. Called by the rank's thread, as are the following. */
    void start(long epoch) {
        epochs.add(epoch);
    }

    /** What comes next; null if it is not there after that time. */
    Item poll(long timeoutMs) throws InterruptedException {
        return ready.poll(timeoutMs, TimeUnit.MILLISECONDS);
    }

    /** Gives a slot back whose reading has been marked. */
    void release(StreamSlot slot) {
        free.add(slot);
    }

    @Override
    public void run() {
        try {
            device.device().bind();
            while (true) {
                prepare(epochs.take());
                ready.put(new Item(null, null));
            }
        } catch (InterruptedException e) {
            // the feed is closed
        } catch (Throwable e) {
            e.addSuppressed(new IllegalStateException("batch " + batch + " of epoch " + epoch + " was to be prepared"));
            // there is room: slots that are not free are fewer than the queue's places
            boolean unused = ready.offer(new Item(null, e));
        }
    }

    private void prepare(long number) throws InterruptedException {
        epoch = number;
        batch = 0;
        source.startEpoch(number);
        while (source.hasNext()) {
            StreamSlot slot = free.take();
            slot.load(source.next(), gather, copies);
            ready.put(new Item(slot, null));
            batch++;
        }
    }
}
