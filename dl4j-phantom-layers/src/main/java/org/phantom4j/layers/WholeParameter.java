package org.phantom4j.layers;

import java.util.List;

/**
 * A parameter of a whole layer of which shards have blocks: one below the other, or side by side.
 *
 * @param name what Deeplearning4j calls it: {@code W}, {@code b} or {@code g}
 * @param keys this rank's blocks, in order
 * @param axis along which the blocks follow one another: 0, one below the other, or 1
 * @param lengths of each rank's blocks along the axis; null if this rank has the whole parameter
 */
record WholeParameter(String name, List<String> keys, int axis, long[] lengths) {

    /** One that this rank has as a whole. */
    static WholeParameter here(String name, int axis, String... keys) {
        return new WholeParameter(name, List.of(keys), axis, null);
    }
}
