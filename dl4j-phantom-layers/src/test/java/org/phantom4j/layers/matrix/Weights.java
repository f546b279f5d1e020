package org.phantom4j.layers.matrix;

import java.util.LinkedHashMap;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.phantom4j.ops.Split;

/** The parameters of a dense network cut as those of its sharded equivalent. */
public final class Weights {

    private Weights() {}

    /**
     * Values for every parameter of the sharded network that has a counterpart.
     *
     * @param shapes of the sharded network's parameters
     */
    public static Map<String, INDArray> cut(Map<String, INDArray> dense, Map<String, INDArray> shapes, int shards) {
        Map<String, INDArray> cut = new LinkedHashMap<>();
        shapes.forEach((key, shape) -> {
            INDArray same = dense.get(key);
            INDArray value = same != null ? same : part(dense, key, shape, shards);
            // a bias may be of one dimension
            cut.put(key, value.reshape(shape.shape()));
        });
        return cut;
    }

    /** Whether a parameter is a phantom layer's compressor. */
    static boolean isCompressor(String key) {
        return key.matches(".*_C\\d+");
    }

    /** The part that a shard has: columns where it has all rows, else rows. */
    private static INDArray part(Map<String, INDArray> dense, String key, INDArray shape, int shards) {
        int end = key.length();
        while (Character.isDigit(key.charAt(end - 1))) {
            end--;
        }
        int shard = Integer.parseInt(key.substring(end));
        String name = key.substring(0, end);
        if (isCompressor(key)) {
            // of the only shard: it compresses for nobody
            return shape.like();
        }
        INDArray value = dense.get(name.endsWith("L") ? name.substring(0, end - 1) + "W" : name);
        INDArray whole = value.rank() == 2 ? value : value.reshape(1, value.length());
        int axis = whole.size(0) == shape.size(0) ? 1 : 0;
        Split split = new Split(whole.size(axis), shards);
        var range = NDArrayIndex.interval(split.offset(shard), split.offset(shard) + split.width(shard));
        return axis == 1 ? whole.get(NDArrayIndex.all(), range) : whole.get(range, NDArrayIndex.all());
    }
}
