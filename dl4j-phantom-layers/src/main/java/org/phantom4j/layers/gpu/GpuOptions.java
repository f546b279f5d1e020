package org.phantom4j.layers.gpu;

import java.time.Duration;
import org.phantom4j.ops.gpu.Precision;

/**
 * How a network is trained or run on a GPU.
 *
 * @param device number of the rank's device, among those that CUDA_VISIBLE_DEVICES shows
 * @param precision what products are computed in
 * @param timeout the longest wait for a step
 */
public record GpuOptions(int device, Precision precision, Duration timeout) {}
