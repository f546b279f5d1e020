package org.phantom4j.ops;

import java.util.ArrayList;
import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The shards on one side of a shard, all before it or all after it: their phantom activations are neighbouring columns,
 * and their decompressors neighbouring rows.
 *
 * @param firstColumn of their phantom activations among all shards'
 * @param firstRow of their decompressors among the shard's
 * @param count columns, and rows
 */
public record OtherShards(long firstColumn, long firstRow, long count) {

    /** The shards before and after {@code shard}, as far as there are any. */
    public static List<OtherShards> of(PhantomGeometry geometry, int shard) {
        long k = geometry.phantomWidth();
        List<OtherShards> sides = new ArrayList<>();
        if (shard > 0) {
            sides.add(new OtherShards(0, 0, shard * k));
        }
        if (shard + 1 < geometry.shards()) {
            sides.add(new OtherShards((shard + 1) * k, shard * k, (geometry.shards() - 1 - shard) * k));
        }
        return sides;
    }

    /** Their phantom activations, of g [B, p·k]. */
    INDArray columns(INDArray gathered) {
        return Products.columns(gathered, firstColumn, count);
    }

    /** Their decompressors, of D [(p − 1)·k, nOut_j]. */
    INDArray rows(INDArray decompressors) {
        return Products.rows(decompressors, firstRow, count);
    }
}
