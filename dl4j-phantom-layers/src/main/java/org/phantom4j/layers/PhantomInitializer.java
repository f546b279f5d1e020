package org.phantom4j.layers;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.weights.IWeightInit;
import org.deeplearning4j.nn.weights.WeightInitConstant;
import org.deeplearning4j.nn.weights.WeightInitIdentity;
import org.deeplearning4j.nn.weights.WeightInitNormal;
import org.phantom4j.ops.PhantomGeometry;
import org.phantom4j.ops.ShardRange;

/** The parameters of a {@link PhantomDenseLayer}: L, C, D, b, g of each shard. */
final class PhantomInitializer extends ShardInitializer {

    static final PhantomInitializer INSTANCE = new PhantomInitializer();

    @Override
    Stream<String> keys(Layer layer, ShardRange own) {
        PhantomDenseLayer phantom = (PhantomDenseLayer) layer;
        List<String> letters = new ArrayList<>(phantom.getShards() == 1 ? List.of("L", "C") : List.of("L", "C", "D"));
        letters.addAll(vectors(phantom));
        return own.stream().boxed().flatMap(j -> letters.stream().map(letter -> letter + j));
    }

    /** The letters of what has one value for each output. */
    static List<String> vectors(ShardedDenseLayer layer) {
        List<String> letters = new ArrayList<>(layer.hasBias() ? List.of("b") : List.of());
        if (layer.hasLayerNorm()) {
            letters.add("g");
        }
        return letters;
    }

    @Override
    List<ShardParameter> parameters(Layer layer, ShardRange own) {
        PhantomDenseLayer phantom = (PhantomDenseLayer) layer;
        PhantomGeometry geometry = phantom.geometry();
        IWeightInit init = phantom.getWeightInitFn();
        long k = geometry.phantomWidth();
        // L and D each bring half of the variance: twice the fans of what they see
        int share = geometry.shards() == 1 ? 1 : 2;
        List<ShardParameter> all = new ArrayList<>();
        for (int j = own.first(); j < own.end(); j++) {
            long in = geometry.in().width(j);
            long out = geometry.out().width(j);
            IWeightInit local = IdentityBlock.of(init, geometry.nIn(), geometry.nOut(), 0, 0);
            all.add(new ShardParameter("L" + j, j, in, out, share * in, share * out, local));
            all.add(new ShardParameter("C" + j, j, in, k, in, k, new WeightInitNormal()));
            if (geometry.shards() > 1) {
                long rows = geometry.decompressorRows();
                IWeightInit others = init instanceof WeightInitIdentity ? new WeightInitConstant(0) : init;
                all.add(new ShardParameter("D" + j, j, rows, out, share * rows, share * rows, others));
            }
            for (String letter : vectors(phantom)) {
                all.add(ShardParameter.constant(letter + j, j, out));
            }
        }
        return all;
    }

    @Override
    List<WholeParameter> wholes(Layer layer, ShardRange own, int ranks) {
        PhantomDenseLayer phantom = (PhantomDenseLayer) layer;
        List<WholeParameter> all = new ArrayList<>();
        own.stream().forEach(j -> {
            all.add(
                    phantom.getShards() == 1
                            ? WholeParameter.here("W", 0, "L" + j)
                            : WholeParameter.here("W", 0, "L" + j, "D" + j));
            all.add(WholeParameter.here("W", 0, "C" + j));
        });
        all.addAll(wholeVectors(phantom, own, ranks));
        return all;
    }

    /** All shards' biases, and gains, side by side. */
    static List<WholeParameter> wholeVectors(ShardedDenseLayer layer, ShardRange own, int ranks) {
        long[] lengths = new org.phantom4j.ops.Split(layer.getNOut(), layer.getShards()).counts(ranks, 1);
        return vectors(layer).stream()
                .map(letter -> new WholeParameter(
                        letter, own.stream().mapToObj(j -> letter + j).toList(), 1, lengths))
                .toList();
    }
}
