package org.phantom4j.layers;

import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.deeplearning4j.nn.api.TrainingConfig;
import org.deeplearning4j.nn.api.layers.LayerConstraint;
import org.deeplearning4j.nn.conf.GradientNormalization;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.constraint.MaxNormConstraint;
import org.deeplearning4j.nn.conf.constraint.MinMaxNormConstraint;
import org.deeplearning4j.nn.conf.constraint.NonNegativeConstraint;
import org.deeplearning4j.nn.conf.constraint.UnitNormConstraint;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.FeedForwardLayer;
import org.deeplearning4j.nn.layers.BaseLayer;
import org.deeplearning4j.nn.params.DefaultParamInitializer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.ops.Products;

/**
 * What Deeplearning4j does to the parameters and gradients of a layer as a whole, done to those of all shards and ranks:
 * constraints, and gradient normalisation by norms. Bound to the rank's thread, as the layer is.
 */
final class WholeLayer {

    /** The number of dimensions of a bias, which is 1 or 2 by the version of Deeplearning4j. */
    private static final int BIAS_RANK = biasRank();

    private final BaseLayer<?> layer;
    private final RankShards shards;
    private final List<WholeParameter> wholes;

    WholeLayer(BaseLayer<?> layer, RankShards shards) {
        this.layer = layer;
        this.shards = shards;
        FeedForwardLayer conf = (FeedForwardLayer) layer.layerConf();
        this.wholes = ((ShardInitializer) conf.initializer()).wholes(conf, shards.own, shards.group.size());
    }

    private static int biasRank() {
        NeuralNetConfiguration conf = new NeuralNetConfiguration();
        conf.setLayer(new DenseLayer.Builder().nIn(1).nOut(2).build());
        INDArray view = Nd4j.create(DataType.FLOAT, 1, 4);
        return DefaultParamInitializer.getInstance()
                .getGradientsFromFlattened(conf, view)
                .get(DefaultParamInitializer.BIAS_KEY)
                .rank();
    }

    /** Applies the layer's constraints, in place. A collective where one concerns what ranks share. */
    @SuppressWarnings("try") // the scope only closes
    void constrain(Map<String, INDArray> parameters, int iteration, int epoch) {
        List<LayerConstraint> constraints = layer.layerConf().getConstraints();
        if (constraints == null) {
            return;
        }
        try (MemoryWorkspace none = Nd4j.getMemoryManager().scopeOutOfWorkspaces()) {
            for (LayerConstraint constraint : constraints) {
                for (WholeParameter whole : wholes) {
                    if (concerns(constraint, whole)) {
                        constrain(constraint, whole, parameters, iteration, epoch);
                    }
                }
            }
        }
    }

    /** By letter: all shards' parameters of a kind are constrained, or none. */
    private static boolean concerns(LayerConstraint constraint, WholeParameter whole) {
        Set<String> names = constraint.getParams();
        char letter = whole.keys().get(0).charAt(0);
        return names != null && names.stream().anyMatch(name -> name.charAt(0) == letter);
    }

    private void constrain(
            LayerConstraint constraint,
            WholeParameter whole,
            Map<String, INDArray> parameters,
            int iteration,
            int epoch) {
        INDArray[] blocks = whole.keys().stream().map(parameters::get).toArray(INDArray[]::new);
        INDArray own = blocks.length == 1 ? blocks[0].dup('f') : Nd4j.concat(whole.axis(), blocks);
        boolean spread = whole.lengths() != null && shards.group.size() > 1 && !isOfOneRank(constraint, whole);
        INDArray value = spread ? gather(own, whole) : own;
        INDArray seen = whole.name().equals("W") || BIAS_RANK == 2 ? value : value.reshape(value.length());

        LayerConstraint copy = constraint.clone();
        copy.setParams(Set.of(whole.name()));
        copy.applyConstraint(new View(layer, whole.name(), seen), iteration, epoch);

        long start = spread
                ? Arrays.stream(whole.lengths()).limit(shards.group.rank()).sum()
                : 0;
        for (INDArray block : blocks) {
            long length = block.size(whole.axis());
            INDArray matrix = seen == value ? value : seen.reshape('f', 1, seen.length());
            block.assign(slice(matrix, whole.axis(), start, length));
            start += length;
        }
    }

    /** Whether the constraint of each part that it looks at for itself is within a rank. */
    private static boolean isOfOneRank(LayerConstraint constraint, WholeParameter whole) {
        int[] along = {1 - whole.axis()};
        int[] dimensions = null;
        if (constraint.getClass() == MaxNormConstraint.class) {
            dimensions = ((MaxNormConstraint) constraint).getDimensions();
        } else if (constraint.getClass() == UnitNormConstraint.class) {
            dimensions = ((UnitNormConstraint) constraint).getDimensions();
        } else if (constraint.getClass() == MinMaxNormConstraint.class) {
            dimensions = ((MinMaxNormConstraint) constraint).getDimensions();
        }
        return constraint.getClass() == NonNegativeConstraint.class
                || (whole.name().equals("W") && Arrays.equals(dimensions, along));
    }

    private INDArray gather(INDArray own, WholeParameter whole) {
        int axis = whole.axis();
        long across = own.size(1 - axis);
        long total = Arrays.stream(whole.lengths()).sum();
        long start = Arrays.stream(whole.lengths()).limit(shards.group.rank()).sum();
        long[] shape = axis == 1 ? new long[] {across, total} : new long[] {total, across};
        // the ranks' parts lie one after another in memory
        INDArray all = Nd4j.createUninitialized(own.dataType(), shape, axis == 1 ? 'f' : 'c');
        INDArray part = slice(all, axis, start, own.size(axis));
        part.assign(own);
        long[] counts =
                Arrays.stream(whole.lengths()).map(length -> length * across).toArray();
        shards.group.allGather(part, all, counts);
        return all;
    }

    private static INDArray slice(INDArray matrix, int axis, long start, long length) {
        return axis == 1 ? Products.columns(matrix, start, length) : Products.rows(matrix, start, length);
    }

    /** A layer's configuration whose gradient normalisation is of the whole layer. */
    TrainingConfig config(Map<String, INDArray> gradients) {
        GradientNormalization normalization = layer.layerConf().getGradientNormalization();
        return normalization == null
                        || normalization == GradientNormalization.None
                        || normalization == GradientNormalization.ClipElementWiseAbsoluteValue
                ? layer.layerConf()
                : new WholeLayerConfig(layer.layerConf(), () -> normalize(normalization, gradients));
    }

    /** Normalises the gradients, in place. A collective. */
    private void normalize(GradientNormalization normalization, Map<String, INDArray> gradients) {
        boolean perLayer = normalization == GradientNormalization.RenormalizeL2PerLayer
                || normalization == GradientNormalization.ClipL2PerLayer;
        Map<Character, Double> squares = new TreeMap<>();
        gradients.forEach((key, gradient) -> {
            double norm = gradient.norm2Number().doubleValue();
            boolean counts = shards.group.rank() == 0 || RankShards.isOfOneShard(key);
            squares.merge(type(key, perLayer), counts ? norm * norm : 0, Double::sum);
        });
        double[] sums = shards.sums(
                squares.values().stream().mapToDouble(Double::doubleValue).toArray());
        Map<Character, Double> factors = new HashMap<>();
        int i = 0;
        for (Character each : squares.keySet()) {
            factors.put(each, factor(normalization, Math.sqrt(sums[i++])));
        }
        gradients.forEach((key, gradient) -> gradient.muli(factors.get(type(key, perLayer))));
    }

    private static Character type(String key, boolean perLayer) {
        return perLayer ? '*' : key.charAt(0);
    }

    private double factor(GradientNormalization normalization, double norm) {
        double threshold = layer.layerConf().getGradientNormalizationThreshold();
        return switch (normalization) {
            case RenormalizeL2PerLayer, RenormalizeL2PerParamType -> 1 / (norm == 0 ? 1e-5 : norm);
            case ClipL2PerLayer, ClipL2PerParamType -> norm > threshold ? threshold / norm : 1;
            default ->
                throw new IllegalArgumentException(
                        "unknown gradient normalization " + normalization + " of " + layer.conf());
        };
    }

    /** A layer of one parameter, for a constraint to look at. */
    private static final class View extends BaseLayer<org.deeplearning4j.nn.conf.layers.BaseLayer> {

        private static final long serialVersionUID = 1L;

        View(BaseLayer<?> layer, String name, INDArray value) {
            super(layer.conf(), value.dataType());
            setIndex(layer.getIndex());
            setParamTable(new LinkedHashMap<>(Map.of(name, value)));
        }

        @Override
        public boolean isPretrainLayer() {
            return false;
        }
    }
}
