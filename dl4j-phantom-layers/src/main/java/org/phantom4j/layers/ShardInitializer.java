package org.phantom4j.layers;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.deeplearning4j.nn.api.OptimizationAlgorithm;
import org.deeplearning4j.nn.api.ParamInitializer;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.BaseLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.phantom4j.comm.Communicator;
import org.phantom4j.comm.RankContext;
import org.phantom4j.ops.ShardRange;

/**
 * Lays out and initialises the parameters of a sharded layer on the current thread's rank: only those of its own shards.
 * Stateless.
 */
abstract class ShardInitializer implements ParamInitializer {

    /** The parameters of these shards, in the order in which they lie in the network's parameter vector. */
    abstract List<ShardParameter> parameters(Layer layer, ShardRange own);

    /** Their names, which are asked for before the layer's widths are known. */
    abstract Stream<String> keys(Layer layer, ShardRange own);

    /** The parameters of the current rank. */
    final List<ShardParameter> parameters(Layer layer) {
        return parameters(layer, own(layer));
    }

    private static ShardRange own(Layer layer) {
        Communicator group = RankContext.current();
        return ShardRange.of(group.rank(), group.size(), ((ShardedLayer) layer).getShards());
    }

    @Override
    public long numParams(NeuralNetConfiguration conf) {
        requireOwn(conf);
        requireOneRule(conf);
        return numParams(conf.getLayer());
    }

    /** Refuses a configuration that lists the parameters of other shards only: that of another rank's network. */
    private void requireOwn(NeuralNetConfiguration conf) {
        List<String> listed = conf.variables(false);
        List<String> own = paramKeys(conf.getLayer());
        Set<String> shards = shards(listed);
        if (shards.isEmpty() || shards.containsAll(shards(own))) {
            return;
        }
        Communicator group = RankContext.current();
        throw new IllegalStateException("layer '" + conf.getLayer().getLayerName() + "' has the parameters " + listed
                + ", which are some rank's share, and not " + own + ", as "
                + (group.size() == 1
                        ? "the whole network has"
                        : "rank " + group.rank() + " of " + group.size() + " has")
                + ": was the network of one rank saved, or its configuration used by another one? Save the whole network,"
                + " which RankNetwork.gather gives, and give each rank a configuration of its own");
    }

    /** The numbers at the ends of parameters' names. */
    private static Set<String> shards(List<String> keys) {
        return keys.stream()
                .map(key -> key.substring(1))
                .filter(number -> !number.isEmpty())
                .collect(Collectors.toSet());
    }

    /** Refuses algorithms in which each rank would take its own decisions from its part of the gradient. */
    private static void requireOneRule(NeuralNetConfiguration conf) {
        OptimizationAlgorithm algorithm = conf.getOptimizationAlgo();
        if (RankContext.current().size() > 1 && algorithm != OptimizationAlgorithm.STOCHASTIC_GRADIENT_DESCENT) {
            throw new IllegalArgumentException(
                    "optimization algorithm " + algorithm + " searches along the gradient of the"
                            + " whole network, which no rank has: use STOCHASTIC_GRADIENT_DESCENT on several ranks, with any"
                            + " updater, or train in one process");
        }
    }

    @Override
    public long numParams(Layer layer) {
        return parameters(layer).stream().mapToLong(ShardParameter::length).sum();
    }

    @Override
    public List<String> paramKeys(Layer layer) {
        return keys(layer, own(layer)).toList();
    }

    @Override
    public List<String> weightKeys(Layer layer) {
        return keys(layer, own(layer))
                .filter(key -> !ShardParameter.isBias(key))
                .toList();
    }

    @Override
    public List<String> biasKeys(Layer layer) {
        return keys(layer, own(layer)).filter(ShardParameter::isBias).toList();
    }

    @Override
    public boolean isWeightParam(Layer layer, String key) {
        return !ShardParameter.isBias(key);
    }

    @Override
    public boolean isBiasParam(Layer layer, String key) {
        return ShardParameter.isBias(key);
    }

    @Override
    public Map<String, INDArray> init(NeuralNetConfiguration conf, INDArray view, boolean initialize) {
        // a configuration from a network with other shards lists their parameters
        conf.clearVariables();
        Map<String, INDArray> table = views(conf.getLayer(), view);
        table.keySet().forEach(conf::addVariable);
        if (initialize) {
            initialize((BaseLayer) conf.getLayer(), table);
        }
        return table;
    }

    private void initialize(BaseLayer layer, Map<String, INDArray> table) {
        try (ShardSeeds seeds = new ShardSeeds()) {
            for (ShardParameter parameter : parameters(layer)) {
                INDArray array = table.get(parameter.key());
                if (parameter.init() == null) {
                    array.assign(layer.getBiasInit());
                } else {
                    seeds.enter(parameter.shard(), parameter.key().charAt(0));
                    INDArray flat = array.reshape('f', new long[] {parameter.length()});
                    long[] shape = {parameter.rows(), parameter.columns()};
                    parameter.init().init((double) parameter.fanIn(), (double) parameter.fanOut(), shape, 'f', flat);
                }
            }
        }
    }

    @Override
    public Map<String, INDArray> getGradientsFromFlattened(NeuralNetConfiguration conf, INDArray view) {
        return views(conf.getLayer(), view);
    }

    private Map<String, INDArray> views(Layer layer, INDArray view) {
        INDArray flat = view.reshape(view.length());
        Map<String, INDArray> table = Collections.synchronizedMap(new LinkedHashMap<>());
        long start = 0;
        for (ShardParameter parameter : parameters(layer)) {
            table.put(parameter.key(), parameter.view(flat, start));
            start += parameter.length();
        }
        if (start != view.length()) {
            throw new IllegalArgumentException(
                    "the layer has " + start + " parameters on this rank, not " + view.length());
        }
        return table;
    }
}
