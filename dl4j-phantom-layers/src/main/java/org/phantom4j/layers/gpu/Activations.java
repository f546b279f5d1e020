package org.phantom4j.layers.gpu;

import org.phantom4j.ops.gpu.TwoOrders;

/**
 * One shard's activations on the device.
 *
 * @param features feature-major factors: for products over the samples, and for the derivative
 * @param samples sample-major factors: for products over the features
 * @param width features
 */
record Activations(long features, long samples, long width) {

    TwoOrders orders() {
        return new TwoOrders(features, samples);
    }
}
