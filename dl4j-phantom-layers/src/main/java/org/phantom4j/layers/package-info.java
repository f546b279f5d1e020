/**
 * Phantom- and tensor-parallel layers for Deeplearning4j configurations.
 *
 * <p>The configurations go wherever a {@code DenseLayer} or an {@code OutputLayer} goes. What a network does with them
 * depends on where it is initialised: in a thread that belongs to no group of ranks it holds the whole model, an ordinary
 * network; on a rank of a group ({@link org.phantom4j.comm.RankContext}) it holds that rank's shards, and its layers
 * exchange what they must. Parameters, outputs, loss and gradients are the same on every number of ranks.
 *
 * <p>Every rank needs a configuration of its own ({@code configuration.clone()}): Deeplearning4j keeps state in it. Every
 * rank is given the whole features and labels and calls the same methods of its network in the same order.
 */
package org.phantom4j.layers;
