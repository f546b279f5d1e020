/**
 * ND4J's CUDA library, translated for GPUs that are newer than it.
 *
 * <p>{@link org.phantom4j.ops.cuda.retarget.Retargeter} compiles the PTX that the library carries to kernels of
 * the GPU at hand and writes a library that differs in its fat binaries alone; {@link
 * org.phantom4j.ops.cuda.retarget.RetargetedLibraries} makes ND4J load it.
 */
package org.phantom4j.ops.cuda.retarget;
