package org.phantom4j.layers.train;

/** Hears of steps once they are done, in their order, on the rank's thread. */
@FunctionalInterface
public interface StepListener {

    /** Hears nothing. */
    StepListener NONE = (step, loss) -> {};

    /**
     * A step is done.
     *
     * @param step its number from 0 in this training
     * @param loss the whole network's, before the step's update; finite
     */
    void done(long step, double loss);
}
