package org.phantom4j.layers;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.phantom4j.ops.PhantomGeometry;
import org.phantom4j.ops.ShardRange;

/** The parameters of a {@link TensorParallelDenseLayer}: the W of all shards, then their b, then their g. */
final class TensorParallelInitializer extends ShardInitializer {

    static final TensorParallelInitializer INSTANCE = new TensorParallelInitializer();

    @Override
    Stream<String> keys(Layer layer, ShardRange own) {
        return Stream.concat(Stream.of("W"), PhantomInitializer.vectors((TensorParallelDenseLayer) layer).stream())
                .flatMap(letter -> own.stream().mapToObj(j -> letter + j));
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
                    IdentityBlock.of(
                            dense.getWeightInitFn(),
                            geometry.nIn(),
                            geometry.nOut(),
                            0,
                            geometry.out().offset(j))));
        }
        for (String letter : PhantomInitializer.vectors(dense)) {
            own.stream()
                    .forEach(j -> all.add(ShardParameter.constant(
                            letter + j, j, geometry.out().width(j))));
        }
        return all;
    }

    @Override
    List<WholeParameter> wholes(Layer layer, ShardRange own, int ranks) {
        TensorParallelDenseLayer dense = (TensorParallelDenseLayer) layer;
        List<WholeParameter> all = new ArrayList<>();
        all.add(new WholeParameter(
                "W",
                own.stream().mapToObj(j -> "W" + j).toList(),
                1,
                dense.geometry().out().counts(ranks, 1)));
        all.addAll(PhantomInitializer.wholeVectors(dense, own, ranks));
        return all;
    }
}
