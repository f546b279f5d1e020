/**
 * Phantom- and tensor-parallel layers as ND4J custom ops, and their geometry.
 *
 * <p>The ops run in Java on whatever backend ND4J has: their products are ND4J's, their collectives are those of the
 * calling thread's {@link org.phantom4j.comm.RankContext}. Being on the class path registers them
 * ({@link org.phantom4j.ops.backend}); after that they work like ND4J's own, through {@code Nd4j.exec} and in SameDiff.
 *
 * <p>Notation, as in the paper (arXiv 2508.00960): shard j of p has local weights L, a compressor C, decompressors D from
 * every other shard, and a bias b; g are phantom activations, h their gradients, k is the phantom width, B the batch.
 */
package org.phantom4j.ops;
