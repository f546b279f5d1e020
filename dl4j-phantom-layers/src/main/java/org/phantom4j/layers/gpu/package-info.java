/**
 * Compiled training and inference of feed-forward stacks on GPUs. A {@link org.phantom4j.layers.gpu.GpuTrainer} takes a
 * Deeplearning4j configuration, lays out all memory once, and records a whole step, collectives included, in a CUDA graph.
 * It needs no CUDA backend of ND4J: parameters come from, and go back to, whichever arrays the network has.
 *
 * <p>Where to look: {@code Stack} is what of a configuration counts here; {@code DenseStage} and its two kinds, and
 * {@code NetworkEnd} and its two, are the equations; {@code StepProgram} puts them in order; {@code GpuMachine} is what they
 * run on.
 */
package org.phantom4j.layers.gpu;
