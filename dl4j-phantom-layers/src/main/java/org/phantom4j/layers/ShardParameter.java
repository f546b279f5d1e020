package org.phantom4j.layers;

import org.deeplearning4j.nn.weights.IWeightInit;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * One parameter of a sharded layer on this rank.
 *
 * @param key its name: a letter and, unless every rank has it, the shard's number
 * @param shard the shard it belongs to; 0 for one that every rank has
 * @param fanIn inputs that the weight initialisation is told of
 * @param fanOut outputs that the weight initialisation is told of
 * @param init how the values are drawn; null for a bias or a gain, which is constant
 */
record ShardParameter(String key, int shard, long rows, long columns, long fanIn, long fanOut, IWeightInit init) {

    /** A bias {@code b} or a gain {@code g}. */
    static ShardParameter constant(String key, int shard, long width) {
        return new ShardParameter(key, shard, 1, width, 0, 0, null);
    }

    static boolean isBias(String key) {
        return key.startsWith("b");
    }

    static boolean isGain(String key) {
        return key.startsWith("g");
    }

    long length() {
        return rows * columns;
    }

    /** This parameter's view of a vector that holds it from {@code start} on. */
    INDArray view(INDArray flat, long start) {
        return flat.get(org.nd4j.linalg.indexing.NDArrayIndex.interval(start, start + length()))
                .reshape('f', rows, columns);
    }
}
