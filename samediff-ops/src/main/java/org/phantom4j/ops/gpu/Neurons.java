package org.phantom4j.ops.gpu;

/**
 * A layer's neurons on one shard: what the kernels of activations work on.
 *
 * @param bias one for each neuron
 * @param activation from pre-activation to activation
 * @param batch samples
 * @param width neurons
 */
public record Neurons(Parameter bias, ElementwiseActivation activation, long batch, long width) {}
