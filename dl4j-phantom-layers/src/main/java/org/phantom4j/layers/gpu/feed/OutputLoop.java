package org.phantom4j.layers.gpu.feed;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.concurrency.AffinityManager.Location;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.comm.DenseArrays;
import org.phantom4j.comm.cuda.CudaEvent;
import org.phantom4j.comm.cuda.PinnedMemory;
import org.phantom4j.ops.gpu.StepControls;

/**
 * Brings a network's outputs to the host while later passes run. Its page-locked memory is used over and over.
 *
 * <p>Belongs to the rank's thread.
 */
public final class OutputLoop implements AutoCloseable {

    /** One that is computed, one that is copied, one that the host reads. */
    private static final int SLOTS = 3;

    private final FeedDevice device;
    private final ForwardRunner runner;
    private final int width;
    private final Deque<Slot> free = new ArrayDeque<>();
    private final Deque<Started> started = new ArrayDeque<>();

    private record Slot(PinnedMemory memory, CudaEvent copied) {}

    /** Outputs of a batch that the stream has been given. */
    private record Started(Slot slot, int rows) {}

    /**
     * Takes room for outputs.
     *
     * @param width outputs of a sample
     * @param batch the most samples of a batch
     */
    public OutputLoop(FeedDevice device, ForwardRunner runner, int width, int batch) {
        this.device = device;
        this.runner = runner;
        this.width = width;
        long bytes = (long) width * batch * device.realBytes();
        if (bytes > Integer.MAX_VALUE) {
            throw new IllegalArgumentException(String.format(
                    "outputs of %,d bytes a batch: the limit is %,d; use a smaller batch", bytes, Integer.MAX_VALUE));
        }
        try {
            for (int i = 0; i < SLOTS; i++) {
                free.add(new Slot(PinnedMemory.allocate(bytes), CudaEvent.create()));
            }
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /**
     * Computes the outputs of an epoch. A collective: every rank calls it with the same samples.
     *
     * @param feed of samples in order; its epoch 0 is started here
     * @param rows samples of the epoch
     * @return [rows, width], in 'c' order, float or double as the device computes
     */
    public INDArray outputs(Feed feed, long rows) {
        DataType type = device.realBytes() == Double.BYTES ? DataType.DOUBLE : DataType.FLOAT;
        INDArray all = Nd4j.createUninitialized(type, new long[] {rows, width}, 'c');
        RealBlock to = new RealBlock(DenseArrays.hostAddress(all), rows, width, device.realBytes());
        long taken = 0;
        feed.startEpoch(0);
        while (feed.hasNext()) {
            if (free.isEmpty()) {
                taken = take(to, taken, rows);
            }
            StepControls.Batch batch = feed.next();
            Slot slot = free.remove();
            runner.forward(batch, slot.memory().address());
            feed.used();
            slot.copied().record(device.main());
            started.add(new Started(slot, batch.rows()));
        }
        while (!started.isEmpty()) {
            taken = take(to, taken, rows);
        }
        if (taken != rows) {
            throw new IllegalArgumentException(
                    "the feed's epoch had " + taken + " samples: " + rows + " were expected");
        }
        Nd4j.getAffinityManager().tagLocation(all, Location.HOST);
        return all;
    }

    /** Takes the outputs of the batch that was started first; returns the samples that are taken by then. */
    private long take(RealBlock to, long taken, long rows) {
        Started batch = started.remove();
        device.await(batch.slot().copied()::isDone, "the outputs of a batch");
        free.add(batch.slot());
        if (taken + batch.rows() > rows) {
            throw new IllegalArgumentException(
                    "the feed's epoch has more than the " + rows + " samples that were expected");
        }
        ByteBuffer bytes = batch.slot().memory().buffer();
        Buffer values = device.realBytes() == Double.BYTES ? bytes.asDoubleBuffer() : bytes.asFloatBuffer();
        for (int i = 0; i < batch.rows(); i++) {
            to.putRow(taken + i, values, i * width);
        }
        return taken + batch.rows();
    }

    /** Frees its memory; what the main stream was given is done. */
    @Override
    public void close() {
        started.forEach(batch -> free.add(batch.slot()));
        started.clear();
        while (!free.isEmpty()) {
            Slot slot = free.remove();
            slot.memory().close();
            slot.copied().close();
        }
    }
}
