package org.phantom4j.layers;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.weights.IWeightInit;
import org.deeplearning4j.nn.weights.WeightInitNormal;
import org.phantom4j.ops.PhantomGeometry;
import org.phantom4j.ops.ShardRange;

/** The parameters of a {@link PhantomDenseLayer}: L, C, D, b of each shard. */
final class PhantomInitializer extends ShardInitializer {

    static final PhantomInitializer INSTANCE = new PhantomInitializer();

    @Override
    Stream<String> keys(Layer layer, ShardRange own) {
        List<String> letters =
                ((PhantomDenseLayer) layer).getShards() == 1 ? List.of("L", "C", "b") : List.of("L", "C", "D", "b");
        return own.stream().boxed().flatMap(j -> letters.stream().map(letter -> letter + j));
    }

    @Override
    List<ShardParameter> parameters(Layer layer, ShardRange own) {
        PhantomGeometry geometry = ((PhantomDenseLayer) layer).geometry();
        IWeightInit init = ((PhantomDenseLayer) layer).getWeightInitFn();
        long k = geometry.phantomWidth();
        // L and D each bring half of the variance: twice the fans of what they see
        int share = geometry.shards() == 1 ? 1 : 2;
        List<ShardParameter> all = new ArrayList<>();
        for (int j = own.first(); j < own.end(); j++) {
            long in = geometry.in().width(j);
            long out = geometry.out().width(j);
            all.add(new ShardParameter("L" + j, j, in, out, share * in, share * out, init));
            all.add(new ShardParameter("C" + j, j, in, k, in, k, new WeightInitNormal()));
            if (geometry.shards() > 1) {
                long rows = geometry.decompressorRows();
                all.add(new ShardParameter("D" + j, j, rows, out, share * rows, share * rows, init));
            }
            all.add(ShardParameter.bias("b" + j, j, out));
        }
        return all;
    }
}
