package org.phantom4j.layers.gpu;

import org.phantom4j.ops.ShardRange;

/**
 * What the stages of one rank's step have in common.
 *
 * @param batch samples of a step
 * @param training whether there is a backward pass
 */
record StepLayout(
        GpuMachine machine,
        Stack stack,
        DeviceParameters parameters,
        Scratch scratch,
        ShardRange own,
        long batch,
        boolean training) {}
