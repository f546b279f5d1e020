package org.phantom4j.layers.gpu;

/**
 * One shard's activations on the device.
 *
 * @param features feature-major factors: for products over the samples, and for the derivative
 * @param samples sample-major factors: for products over the features
 * @param width features
 */
record Activations(long features, long samples, long width) {}
