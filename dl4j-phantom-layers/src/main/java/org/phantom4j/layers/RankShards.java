package org.phantom4j.layers;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.deeplearning4j.exception.DL4JInvalidInputException;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.dropout.AlphaDropout;
import org.deeplearning4j.nn.conf.dropout.Dropout;
import org.deeplearning4j.nn.conf.dropout.GaussianDropout;
import org.deeplearning4j.nn.conf.dropout.GaussianNoise;
import org.deeplearning4j.nn.conf.dropout.IDropout;
import org.deeplearning4j.nn.conf.layers.BaseLayer;
import org.deeplearning4j.nn.layers.AbstractLayer;
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
 * gradients where whole inputs came, drops out inputs, and adds up scores over the ranks.
 *
 * <p>Bound to the group of ranks of the thread that makes it.
 */
final class RankShards {

    /** Purpose of random numbers, beside the letters of parameters. */
    private static final int WEIGHT_NOISE = 0x100;

    /** Deeplearning4j's dropouts that treat each value for itself. */
    private static final Set<Class<?>> ELEMENTWISE =
            Set.of(Dropout.class, AlphaDropout.class, GaussianDropout.class, GaussianNoise.class);

    final Communicator group = RankContext.current();
    final ShardRange own;
    private final Split in;
    private boolean wholeInput;
    private boolean prepared;

    /** As a {@link CommunicationPlan} has it. */
    private boolean gatherOutput = true;

    private boolean inputGradient = true;

    RankShards(Split in) {
        this.in = in;
        this.own = ShardRange.of(group.rank(), group.size(), in.shards());
    }

    /** Whether each rank hands on the outputs of all ranks, not only its own. */
    boolean gathersOutput() {
        return gatherOutput;
    }

    /** Whether the backward pass computes the gradient of the layer's inputs. */
    boolean needsInputGradient() {
        return inputGradient;
    }

    void plan(boolean gatherOutput, boolean inputGradient) {
        this.gatherOutput = gatherOutput;
        this.inputGradient = inputGradient;
    }

    /** Another input comes. */
    void newInput() {
        prepared = false;
    }

    /**
     * This rank's columns of a layer's input, which may be the whole or already this rank's own, in the network's type; once
     * for each input.
     *
     * @param dropout applied to the input; null for none
     */
    INDArray ownInput(
            INDArray input, IDropout dropout, AbstractLayer<?> layer, DataType type, LayerWorkspaceMgr workspaces) {
        if (RankContext.current() != group) {
            RankContext.require(group, "layer '" + layer.conf().getLayer().getLayerName() + "'");
        }
        if (prepared) {
            return input;
        }
        if (input.rank() != 2 || (input.size(1) != in.length() && input.size(1) != in.width(own))) {
            throw new DL4JInvalidInputException("input of shape " + Arrays.toString(input.shape())
                    + " is invalid: expected [batch, " + in.length() + "]"
                    + (group.size() == 1 ? "" : ", or [batch, " + in.width(own) + "], this rank's part")
                    + " " + layer.conf().getLayer().getClass().getSimpleName() + " " + layer.getIndex() + ", name "
                    + layer.conf().getLayer().getLayerName());
        }
        prepared = true;
        wholeInput = input.size(1) == in.length();
        INDArray typed = input;
        if (input.dataType() != type) {
            typed = workspaces.castTo(ArrayType.INPUT, type, input, false);
        }
        if (dropout == null) {
            return wholeInput && group.size() > 1 ? columns(typed, in) : typed;
        }
        INDArray whole = wholeInput ? typed : wholeOf(typed, dropout, ArrayType.INPUT, workspaces);
        // in the order of Deeplearning4j's own activations: values are drawn in the order of memory
        INDArray copy = workspaces.dup(ArrayType.INPUT, whole, 'c');
        INDArray dropped =
                dropout.applyDropout(copy, copy, layer.getIterationCount(), layer.getEpochCount(), workspaces);
        return group.size() > 1 ? columns(dropped, in) : dropped;
    }

    /**
     * The array of which dropout sees its columns: with Deeplearning4j's own dropouts, the others' are zero, and every rank
     * draws all random numbers of the layer, the same as one process; a user's own may look at all values.
     */
    private INDArray wholeOf(INDArray part, IDropout dropout, ArrayType type, LayerWorkspaceMgr workspaces) {
        if (!ELEMENTWISE.contains(dropout.getClass())) {
            return gather(part, in, type, workspaces);
        }
        INDArray whole = workspaces.create(type, part.dataType(), new long[] {part.size(0), in.length()}, 'f');
        columns(whole, in).assign(part);
        return whole;
    }

    /** The gradient of the inputs before dropout, in place. */
    void dropInputGradient(INDArray gradient, IDropout dropout, AbstractLayer<?> layer, LayerWorkspaceMgr workspaces) {
        if (dropout == null) {
            return;
        }
        int iteration = layer.getIterationCount();
        int epoch = layer.getEpochCount();
        if (group.size() == 1) {
            dropout.backprop(gradient, gradient, iteration, epoch);
            return;
        }
        INDArray whole = wholeOf(gradient, dropout, ArrayType.ACTIVATION_GRAD, workspaces);
        dropout.backprop(whole, whole, iteration, epoch);
        gradient.assign(columns(whole, in));
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

    /**
     * The sums of the rows of a whole, [batch, 1], of which this rank has {@code part}: added in pairs of shards, so that
     * they do not depend on how many a rank has.
     */
    INDArray rowSums(INDArray part, Split split) {
        INDArray sums = rowSums(part, split, own.first(), own.end());
        group.allReduce(sums);
        return sums;
    }

    private INDArray rowSums(INDArray part, Split split, int first, int end) {
        int middle = (first + end) >>> 1;
        if (middle > first) {
            INDArray sums = rowSums(part, split, first, middle);
            return sums.addi(rowSums(part, split, middle, end));
        }
        long start = split.offset(first) - split.offset(own.first());
        return Products.columns(part, start, split.width(first)).sum(true, 1);
    }

    /**
     * A layer's parameters in their order, with weight noise if it has any: each shard's drawn from random numbers of its own.
     * Gains get none, as in Deeplearning4j.
     *
     * @param withNoise the parameter of a name, with noise
     */
    Map<String, INDArray> parameters(
            BaseLayer conf, Map<String, INDArray> parameters, Function<String, INDArray> withNoise) {
        if (conf.getWeightNoise() == null) {
            return parameters;
        }
        try (ShardSeeds seeds = new ShardSeeds()) {
            Map<String, INDArray> noisy = new LinkedHashMap<>();
            parameters.forEach((name, value) -> {
                if (ShardParameter.isGain(name)) {
                    noisy.put(name, value);
                    return;
                }
                int shard = isOfOneShard(name) ? Integer.parseInt(name.substring(1)) : 0;
                seeds.enter(shard, WEIGHT_NOISE + name.charAt(0));
                noisy.put(name, withNoise.apply(name));
            });
            return noisy;
        }
    }

    /** The sum of a value over the ranks. */
    double sum(double value) {
        return sums(value)[0];
    }

    /** The sums of values over the ranks. */
    double[] sums(double... values) {
        if (group.size() == 1) {
            return values;
        }
        INDArray sums = Nd4j.createUninitializedDetached(DataType.DOUBLE, values.length);
        for (int i = 0; i < values.length; i++) {
            sums.putScalar(i, values[i]);
        }
        group.allReduce(sums);
        return sums.toDoubleVector();
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

    static boolean isOfOneShard(String name) {
        return Character.isDigit(name.charAt(name.length() - 1));
    }
}
