package org.phantom4j.layers.gpu.feed;

import org.phantom4j.ops.gpu.StepControls;

/** What makes forward passes of batches on the device. Belongs to the rank's thread. */
public interface ForwardRunner {

    /**
     * Gives the main stream a pass and the copy of its outputs. Never waits. A collective: every rank calls it with the same
     * samples.
     *
     * @param to page-locked host memory for [rows, outputs] reals, samples one behind the other
     */
    void forward(StepControls.Batch batch, long to);
}
