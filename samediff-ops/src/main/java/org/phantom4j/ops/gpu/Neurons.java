package org.phantom4j.ops.gpu;

/**
 * A layer's neurons on one rank: what the kernels of activations work on.
 *
 * @param bias one for each place
 * @param activation from pre-activation to activation
 * @param batch samples, a multiple of {@value ShardWidths#MULTIPLE}
 * @param widths how shards lie
 */
public record Neurons(Parameter bias, ElementwiseActivation activation, long batch, ShardWidths widths) {}
