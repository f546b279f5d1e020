package org.phantom4j.layers;

import java.util.Map;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.BooleanIndexing;
import org.nd4j.linalg.indexing.conditions.Conditions;
import org.nd4j.linalg.ops.transforms.Transforms;
import org.phantom4j.ops.Products;
import org.phantom4j.ops.Split;

/**
 * Layer normalisation of a row of outputs of which each rank has its shards': x̂ = (z − mean) / σ over the whole row, times
 * the gains. σ is the population's, without an epsilon, as in ND4J's op.
 */
final class LayerNormalization {

    private final RankShards shards;
    private final Split split;
    private INDArray normalized;
    private INDArray deviation;

    LayerNormalization(RankShards shards, Split split) {
        this.shards = shards;
        this.split = split;
    }

    /** Replaces this rank's z [batch, own] by normalised values times gains, and keeps what the backward pass needs. */
    void forward(INDArray z, Map<String, INDArray> parameters, LayerWorkspaceMgr workspaces) {
        z.subiColumnVector(shards.rowSums(z, split).divi(split.length()));
        INDArray variance = shards.rowSums(z.mul(z), split).divi(split.length());
        deviation = workspaces.dup(ArrayType.ACTIVATIONS, Transforms.sqrt(variance, false), 'f');
        // a row of equal values, as masked inputs give, becomes zeros and has no gradient, as in ND4J's op
        BooleanIndexing.replaceWhere(deviation, Double.POSITIVE_INFINITY, Conditions.equals(0));
        z.diviColumnVector(deviation);
        normalized = workspaces.dup(ArrayType.ACTIVATIONS, z, 'f');
        forEachShard((shard, columns) -> columns.of(z).muliRowVector(parameters.get("g" + shard)));
    }

    /** The gradient of z from that of the result, in place; the gains' gradients into theirs. */
    void backward(INDArray delta, Map<String, INDArray> parameters, Map<String, INDArray> gradients) {
        INDArray products = delta.mul(normalized);
        forEachShard((shard, columns) -> {
            gradients.get("g" + shard).assign(columns.of(products).sum(true, 0));
            columns.of(delta).muliRowVector(parameters.get("g" + shard));
        });
        INDArray mean = shards.rowSums(delta, split).divi(split.length());
        INDArray slope = shards.rowSums(delta.mul(normalized), split).divi(split.length());
        delta.subi(normalized.mulColumnVector(slope)).subiColumnVector(mean).diviColumnVector(deviation);
        clear();
    }

    void clear() {
        normalized = null;
        deviation = null;
    }

    private interface Columns {
        INDArray of(INDArray own);
    }

    private interface ShardAction {
        void accept(int shard, Columns columns);
    }

    private void forEachShard(ShardAction action) {
        for (int j = shards.own.first(); j < shards.own.end(); j++) {
            long start = split.offset(j) - split.offset(shards.own.first());
            long width = split.width(j);
            action.accept(j, own -> Products.columns(own, start, width));
        }
    }
}
