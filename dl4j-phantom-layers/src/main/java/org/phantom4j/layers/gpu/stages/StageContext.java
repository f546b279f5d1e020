package org.phantom4j.layers.gpu.stages;

import org.phantom4j.layers.gpu.device.DeviceArena;
import org.phantom4j.layers.gpu.device.GpuMachine;
import org.phantom4j.layers.gpu.parameters.DeviceParameters;
import org.phantom4j.layers.gpu.plan.Stack;
import org.phantom4j.ops.ShardRange;

/**
 * What the stages of one rank's step have in common.
 *
 * @param arena where they allocate
 * @param batch places for samples
 * @param training whether there is a backward pass
 */
public record StageContext(
        GpuMachine machine,
        DeviceArena arena,
        Stack stack,
        DeviceParameters parameters,
        Scratch scratch,
        ShardRange own,
        long batch,
        boolean training) {}
