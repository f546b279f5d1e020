package org.phantom4j.layers.gpu.feed;

import org.phantom4j.layers.train.StepListener;
import org.phantom4j.ops.gpu.StepControls;

/**
 * Hands a feed's batches to steps. The host runs ahead of the device by {@link StepRunner#window} steps at most and looks at
 * each loss when that many more have been given: no step waits for it, and every rank looks at the same step's at the same time, so
 * that a training that diverges ends on all of them after the same step.
 *
 * <p>Belongs to the rank's thread.
 */
public final class FeedLoop {

    private final StepRunner runner;
    private final Feed feed;
    private final long firstStep;
    private StepListener listener = StepListener.NONE;
    private long epoch;
    private long reported;
    private double loss = Double.NaN;

    /**
     * A training from epoch 0 on.
     *
     * @param feed whose first epoch has not been started
     */
    public FeedLoop(StepRunner runner, Feed feed) {
        this.runner = runner;
        this.feed = feed;
        this.firstStep = runner.stepsGiven();
        this.reported = firstStep;
    }

    /**
     * Trains through the rest of an epoch that is under way and then through whole epochs. Returns when all steps are done.
     *
     * @param heard hears of each step, with numbers from 0 in this training
     * @throws ArithmeticException if a loss is no finite number; the message names the step
     * @throws RuntimeException that the feed threw; the steps before are done, and the listener has heard of them
     */
    public void epochs(long count, StepListener heard) {
        listener = heard;
        rest();
        for (long i = 0; i < count; i++) {
            start();
            rest();
        }
        drain();
    }

    /** Trains that many steps, in as many epochs as it takes, going on where the last call ended. */
    public void steps(long count, StepListener heard) {
        listener = heard;
        for (long i = 0; i < count; i++) {
            if (!hasNext()) {
                start();
            }
            step();
        }
        drain();
    }

    /** The loss of the last step that was made, before its update; not a number before the first. */
    public double loss() {
        return loss;
    }

    private void rest() {
        while (hasNext()) {
            step();
        }
    }

    private void start() {
        feed.startEpoch(epoch);
        if (!hasNext()) {
            throw new IllegalArgumentException(
                    "epoch " + epoch + " has no batches: is the data set empty, or can its iterator not be reset?");
        }
        epoch++;
    }

    private void step() {
        long done = runner.stepsGiven() - runner.window() + 1;
        runner.awaitDone(done);
        report(done);
        StepControls.Batch batch = next();
        runner.step(batch);
        feed.used();
    }

    private boolean hasNext() {
        try {
            return feed.hasNext();
        } catch (RuntimeException e) {
            throw afterSteps(e);
        }
    }

    private StepControls.Batch next() {
        try {
            return feed.next();
        } catch (RuntimeException e) {
            throw afterSteps(e);
        }
    }

    /** Lets the steps before a batch that failed end. */
    private RuntimeException afterSteps(RuntimeException failure) {
        try {
            drain();
        } catch (RuntimeException e) {
            failure.addSuppressed(e);
        }
        return failure;
    }

    private void drain() {
        runner.awaitDone(runner.stepsGiven());
        report(runner.stepsGiven());
    }

    private void report(long done) {
        while (reported < done) {
            loss = runner.lossOf(reported);
            if (!Double.isFinite(loss)) {
                throw new ArithmeticException("the loss of step " + (reported - firstStep) + " is " + loss
                        + ": the training diverged; use a smaller learning rate");
            }
            listener.done(reported - firstStep, loss);
            reported++;
        }
    }
}
