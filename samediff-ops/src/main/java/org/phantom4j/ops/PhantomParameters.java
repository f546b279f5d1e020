package org.phantom4j.ops;

import java.util.List;
import java.util.stream.IntStream;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The parameters of one shard, or their gradients; {@code decompressors} is null where there is one shard. */
record PhantomParameters(INDArray local, INDArray compressor, INDArray decompressors, INDArray bias) {

    /** How many arrays a shard has. */
    static int perShard(PhantomGeometry geometry) {
        return geometry.shards() == 1 ? 3 : 4;
    }

    /** Those of each of a rank's shards, in the list of all of a rank's arrays. */
    static List<PhantomParameters> of(PhantomGeometry geometry, List<INDArray> all) {
        int each = perShard(geometry);
        return IntStream.iterate(0, start -> start + each <= all.size(), start -> start + each)
                .mapToObj(start -> of(all, start, each))
                .toList();
    }

    private static PhantomParameters of(List<INDArray> all, int start, int each) {
        return new PhantomParameters(
                all.get(start), all.get(start + 1), each == 4 ? all.get(start + 2) : null, all.get(start + each - 1));
    }
}
