package org.phantom4j.layers.gpu;

import java.util.function.Consumer;
import org.phantom4j.layers.gpu.feed.StepRunner;
import org.phantom4j.layers.gpu.program.Training;
import org.phantom4j.ops.gpu.StepControls;

/**
 * A trainer's steps, as a feed's loop makes them.
 *
 * @param start starts one
 */
record TrainerSteps(Training training, Consumer<StepControls.Batch> start) implements StepRunner {

    @Override
    public int window() {
        return Training.MOST_UNDER_WAY;
    }

    @Override
    public void step(StepControls.Batch batch) {
        start.accept(batch);
    }

    @Override
    public long stepsGiven() {
        return training.started();
    }

    @Override
    public void awaitDone(long steps) {
        training.awaitDone(steps);
    }

    @Override
    public double lossOf(long step) {
        // the device counts from 1
        return training.log().loss(step + 1);
    }
}
