package org.phantom4j.layers;

import java.util.ArrayList;
import java.util.List;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.phantom4j.ops.ShardRange;
import org.phantom4j.ops.Split;

/** The parameters of a {@link ShardedOutputLayer}: the W of all shards, and one b that every rank has. */
final class RowParallelInitializer extends ShardInitializer {

    static final RowParallelInitializer INSTANCE = new RowParallelInitializer();

    @Override
    List<ShardParameter> parameters(Layer layer, ShardRange own) {
        ShardedOutputLayer output = (ShardedOutputLayer) layer;
        Split in = new Split(output.getNIn(), output.getShards());
        List<ShardParameter> all = new ArrayList<>();
        own.stream()
                .forEach(j -> all.add(new ShardParameter(
                        "W" + j,
                        j,
                        in.width(j),
                        output.getNOut(),
                        output.getNIn(),
                        output.getNOut(),
                        output.getWeightInitFn())));
        if (output.hasBias()) {
            all.add(ShardParameter.bias("b", 0, output.getNOut()));
        }
        return all;
    }
}
