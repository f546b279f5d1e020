package org.phantom4j.layers.train;

import java.util.Optional;

/**
 * A training on samples in host memory: every epoch all of them once, in another order ({@link ShuffledRows}); the last batch of an
 * epoch may be smaller. Belongs to the rank's thread.
 */
public interface SampleTraining extends AutoCloseable {

    /**
     * Makes that many steps, through as many epochs as it takes, going on where the last call ended. Returns when they are done.
     * A collective: every rank calls it.
     *
     * @param listener hears of each step, with its number from 0 in this training; not necessarily before the next has begun
     * @return the whole network's loss before the last step that was made
     * @throws ArithmeticException if a loss is no finite number; the message names the step
     */
    double steps(long count, StepListener listener);

    /** How the samples get to the device, in one line; empty without one. */
    Optional<String> feed();

    /** Frees what it took. The trainer is closed after that. */
    @Override
    void close();
}
