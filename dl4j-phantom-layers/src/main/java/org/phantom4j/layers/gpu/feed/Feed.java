package org.phantom4j.layers.gpu.feed;

import org.phantom4j.ops.gpu.StepControls;

/**
 * Brings batches to the device, epoch by epoch.
 *
 * <pre>{@code
 * feed.startEpoch(0);
 * while (feed.hasNext()) {
 *     step(feed.next());   // gives the main stream what reads the batch
 *     feed.used();
 * }
 * }</pre>
 *
 * <p>Threads: the rank's own. A method waits for the host's side of the work alone (samples that are still prepared), never
 * for a step that is in the stream.
 */
public interface Feed extends AutoCloseable {

    /**
     * Starts an epoch, once the one before has no more batches.
     *
     * @param epoch its number from 0, which decides the order of shuffled samples
     * @throws IllegalStateException if batches of the epoch before are left
     */
    void startEpoch(long epoch);

    /** Whether the epoch has another batch; false before the first epoch. Waits until that is known. */
    boolean hasNext();

    /**
     * The next batch. What the main stream is given from now on sees it; it stays until {@link #used}.
     *
     * @throws IllegalStateException if it is not there in time, or the batch before was not used
     * @throws IllegalArgumentException if it does not fit the network; the message names it
     * @throws java.util.NoSuchElementException if the epoch has none left
     * @throws RuntimeException that the samples' source threw instead of this batch
     */
    StepControls.Batch next();

    /** Says that the main stream has been given everything that reads the last batch: its place is free after that. */
    void used();

    /** Bytes of device memory that it holds. */
    long deviceBytes();

    /** Where batches come from and why, in one line. */
    String describe();

    /**
     * Ends its threads, waits until what the main stream was given has read its batches, and frees them. The device and the
     * main stream are closed after that.
     */
    @Override
    void close();
}
