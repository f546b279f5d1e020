package org.phantom4j.layers.gpu.feed;

import org.phantom4j.ops.gpu.StepControls;

/** What makes compiled steps of batches on the device. Belongs to the rank's thread. */
public interface StepRunner {

    /** The most steps that are in the stream at once, 1 to 64: the same on every rank. */
    int window();

    /** Gives the main stream a step. Never waits. A collective: every rank calls it with the same samples. */
    void step(StepControls.Batch batch);

    /** Steps that the stream has been given since this was made. */
    long stepsGiven();

    /**
     * Waits until that many of all steps are done; returns at once for zero or less.
     *
     * @throws RuntimeException if another rank has failed, or the time is up
     */
    void awaitDone(long steps);

    /**
     * A step's loss before its update: the whole network's, the same on every rank. Reads host memory alone.
     *
     * @param step its number from 0, of the last {@link #window} that are done
     */
    double lossOf(long step);
}
