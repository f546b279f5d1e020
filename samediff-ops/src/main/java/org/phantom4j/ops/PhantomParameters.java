package org.phantom4j.ops;

import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The parameters of one shard, or their gradients; {@code decompressors} is null where there is one shard. */
record PhantomParameters(INDArray local, INDArray compressor, INDArray decompressors, INDArray bias) {

    /** How many arrays a shard has. */
    static int perShard(PhantomGeometry geometry) {
        return geometry.shards() == 1 ? 3 : 4;
    }

    /** The parameters of {@code shard} in the list of those of a rank. */
    static PhantomParameters of(PhantomGeometry geometry, List<INDArray> all, ShardRange own, int shard) {
        int each = perShard(geometry);
        int start = (shard - own.first()) * each;
        return new PhantomParameters(
                all.get(start), all.get(start + 1), each == 4 ? all.get(start + 2) : null, all.get(start + each - 1));
    }
}
