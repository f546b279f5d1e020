package org.phantom4j.layers;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.phantom4j.ops.PhantomGeometry;
import org.phantom4j.ops.ShardRange;

/** The parameters of a {@link TensorParallelDenseLayer}: the W of all shards, then their b. */
final class TensorParallelInitializer extends ShardInitializer {

    static final TensorParallelInitializer INSTANCE = new TensorParallelInitializer();

    @Override
    Stream<String> keys(Layer layer, ShardRange own) {
        return Stream.of("W", "b").flatMap(letter -> own.stream().mapToObj(j -> letter + j));
    }

    @Override
    List<ShardParameter> parameters(Layer layer, ShardRange own) {
        TensorParallelDenseLayer dense = (TensorParallelDenseLayer) layer;
        PhantomGeometry geometry = dense.geometry();
        List<ShardParameter> all = new ArrayList<>();
        for (int j = own.first(); j < own.end(); j++) {
            all.add(new ShardParameter(
                    "W" + j,
                    j,
                    geometry.nIn(),
                    geometry.out().width(j),
                    geometry.nIn(),
                    geometry.nOut(),
                    dense.getWeightInitFn()));
        }
        own.stream()
                .forEach(j ->
                        all.add(ShardParameter.bias("b" + j, j, geometry.out().width(j))));
        return all;
    }
}
