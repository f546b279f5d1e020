package org.phantom4j.layers;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.phantom4j.ops.ShardRange;
import org.phantom4j.ops.Split;

/** The parameters of a {@link ShardedOutputLayer}: the W of all shards, and one b that every rank has. */
final class RowParallelInitializer extends ShardInitializer {

    static final RowParallelInitializer INSTANCE = new RowParallelInitializer();

    @Override
    Stream<String> keys(Layer layer, ShardRange own) {
        Stream<String> weights = own.stream().mapToObj(j -> "W" + j);
        return ((ShardedOutputLayer) layer).hasBias() ? Stream.concat(weights, Stream.of("b")) : weights;
    }

    private static Split in(ShardedOutputLayer layer) {
        return new Split(layer.getNIn(), layer.getShards());
    }

    @Override
    List<ShardParameter> parameters(Layer layer, ShardRange own) {
        ShardedOutputLayer output = (ShardedOutputLayer) layer;
        Split in = in(output);
        List<ShardParameter> all = new ArrayList<>();
        own.stream()
                .forEach(j -> all.add(new ShardParameter(
                        "W" + j,
                        j,
                        in.width(j),
                        output.getNOut(),
                        output.getNIn(),
                        output.getNOut(),
                        IdentityBlock.of(
                                output.getWeightInitFn(), output.getNIn(), output.getNOut(), in.offset(j), 0))));
        if (output.hasBias()) {
            all.add(ShardParameter.constant("b", 0, output.getNOut()));
        }
        return all;
    }

    @Override
    List<WholeParameter> wholes(Layer layer, ShardRange own, int ranks) {
        ShardedOutputLayer output = (ShardedOutputLayer) layer;
        List<WholeParameter> all = new ArrayList<>();
        List<String> weights = own.stream().mapToObj(j -> "W" + j).toList();
        all.add(new WholeParameter("W", weights, 0, in(output).counts(ranks, 1)));
        if (output.hasBias()) {
            all.add(WholeParameter.here("b", 1, "b"));
        }
        return all;
    }
}
