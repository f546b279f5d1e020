package org.phantom4j.layers;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.GradientNormalization;
import org.deeplearning4j.nn.conf.dropout.IDropout;
import org.deeplearning4j.nn.conf.layers.BaseLayer;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.regularization.Regularization;
import org.phantom4j.comm.Communicator;
import org.phantom4j.comm.RankContext;
import org.phantom4j.ops.Products;
import org.phantom4j.ops.ShardRange;
import org.phantom4j.ops.Split;

/**
 * What every sharded layer does on its rank besides its own mathematics: takes its slice of the inputs, hands back whole
 * gradients where whole inputs came, drops out inputs shard by shard, and adds up scores over the ranks.
 *
 * <p>Bound to the group of ranks of the thread that makes it.
 */
final class RankShards {

    /** Purposes of random numbers, beside the letters of parameters. */
    private static final int DROPOUT = 1;

    private static final int WEIGHT_NOISE = 0x100;

    final Communicator group = RankContext.current();
    final ShardRange own;
    private final Split in;
    private final List<IDropout> dropouts;
    private boolean wholeInput;

    RankShards(BaseLayer conf, Split in) {
        this.in = in;
        this.own = ShardRange.of(group.rank(), group.size(), in.shards());
        this.dropouts = conf.getIDropout() == null
                ? List.of()
                : IntStream.range(0, own.count())
                        .mapToObj(shard -> conf.getIDropout().clone())
                        .toList();
        requireShardwise(conf);
    }

    private void requireShardwise(BaseLayer conf) {
        GradientNormalization normalization = conf.getGradientNormalization();
        if (group.size() > 1
                && (normalization == GradientNormalization.RenormalizeL2PerLayer
                        || normalization == GradientNormalization.ClipL2PerLayer)) {
            throw new IllegalArgumentException("gradient normalization " + normalization + " needs the norm of a whole"
                    + " layer, which no rank has: use ClipElementWiseAbsoluteValue, or " + normalization
                    + "'s per-parameter form");
        }
    }

    /** This rank's columns of a layer's input, which may be the whole or already this rank's own. */
    INDArray ownInput(INDArray input, DataType type, String layer) {
        if (RankContext.current() != group) {
            RankContext.require(group, "the layer " + layer);
        }
        if (input.rank() != 2 || (input.size(1) != in.length() && input.size(1) != in.width(own))) {
            throw new IllegalArgumentException("input of shape " + java.util.Arrays.toString(input.shape())
                    + " is invalid: expected [batch, " + in.length() + "]"
                    + (group.size() == 1 ? "" : ", or [batch, " + in.width(own) + "], this rank's part")
                    + " " + layer);
        }
        wholeInput = input.size(1) == in.length();
        return wholeInput && group.size() > 1 ? columns(input, in).castTo(type) : input.castTo(type);
    }

    /** This rank's columns of whole activations. */
    INDArray columns(INDArray whole, Split split) {
        return Products.columns(whole, split.offset(own.first()), split.width(own));
    }

    /** The gradient of the inputs as the layer below expects it: whole if it gave whole inputs. */
    INDArray inputGradient(INDArray ownGradient, LayerWorkspaceMgr workspaces) {
        return wholeInput ? gather(ownGradient, in, ArrayType.ACTIVATION_GRAD, workspaces) : ownGradient;
    }

    /** All ranks' columns, on every rank. */
    INDArray gather(INDArray part, Split split, ArrayType type, LayerWorkspaceMgr workspaces) {
        if (group.size() == 1) {
            return part;
        }
        long batch = part.size(0);
        INDArray whole = workspaces.createUninitialized(type, part.dataType(), new long[] {batch, split.length()}, 'f');
        INDArray ownColumns = columns(whole, split);
        ownColumns.assign(part);
        group.allGather(ownColumns, whole, split.counts(group.size(), batch));
        return whole;
    }

    /** Applies dropout to this rank's inputs, each shard with its own random numbers. */
    INDArray dropInputs(INDArray input, Layer layer, LayerWorkspaceMgr workspaces) {
        if (dropouts.isEmpty()) {
            return input;
        }
        INDArray result = workspaces.createUninitialized(ArrayType.INPUT, input.dataType(), input.shape(), 'f');
        try (ShardSeeds seeds = new ShardSeeds()) {
            for (int j = own.first(); j < own.end(); j++) {
                seeds.enter(j, DROPOUT);
                INDArray part = shard(input, j).dup('f');
                shard(result, j)
                        .assign(dropouts.get(j - own.first())
                                .applyDropout(
                                        part, part, layer.getIterationCount(), layer.getEpochCount(), workspaces));
            }
        }
        return result;
    }

    /** The gradient of the inputs before dropout, in place. */
    void dropInputGradient(INDArray gradient, Layer layer) {
        for (int j = own.first(); j < own.first() + dropouts.size(); j++) {
            INDArray part = shard(gradient, j).dup('f');
            INDArray before = dropouts.get(j - own.first())
                    .backprop(part, part, layer.getIterationCount(), layer.getEpochCount());
            shard(gradient, j).assign(before);
        }
    }

    /**
     * A layer's parameters in their order, with weight noise if it has any: each shard's drawn from random numbers of its own.
     *
     * @param withNoise the parameter of a name, with noise
     */
    List<INDArray> parameters(BaseLayer conf, Set<String> names, Function<String, INDArray> withNoise) {
        if (conf.getWeightNoise() == null) {
            return names.stream().map(withNoise).toList();
        }
        try (ShardSeeds seeds = new ShardSeeds()) {
            List<INDArray> noisy = new ArrayList<>();
            for (String name : names) {
                int shard = isOfOneShard(name) ? Integer.parseInt(name.substring(1)) : 0;
                seeds.enter(shard, WEIGHT_NOISE + name.charAt(0));
                noisy.add(withNoise.apply(name));
            }
            return noisy;
        }
    }

    void clear() {
        dropouts.forEach(IDropout::clear);
    }

    private INDArray shard(INDArray ownColumns, int shard) {
        return Products.columns(ownColumns, in.offset(shard) - in.offset(own.first()), in.width(shard));
    }

    /** The sum of a value over the ranks. */
    double sum(double value) {
        if (group.size() == 1) {
            return value;
        }
        INDArray sum = Nd4j.createUninitializedDetached(DataType.DOUBLE, 1).assign(value);
        group.allReduce(sum);
        return sum.getDouble(0);
    }

    /** The whole layer's regularisation score. A parameter that every rank has counts on rank 0 alone. */
    double regularizationScore(BaseLayer conf, Map<String, INDArray> parameters, Layer layer) {
        double score = 0;
        boolean regularized = false;
        for (Map.Entry<String, INDArray> parameter : parameters.entrySet()) {
            List<Regularization> all = conf.getRegularizationByParam(parameter.getKey());
            boolean counts = group.rank() == 0 || isOfOneShard(parameter.getKey());
            for (Regularization each : all == null ? List.<Regularization>of() : all) {
                regularized = true;
                score +=
                        counts ? each.score(parameter.getValue(), layer.getIterationCount(), layer.getEpochCount()) : 0;
            }
        }
        return regularized ? sum(score) : 0;
    }

    private static boolean isOfOneShard(String name) {
        return Character.isDigit(name.charAt(name.length() - 1));
    }
}
