package org.phantom4j.layers.ranks;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.updater.BaseMultiLayerUpdater;
import org.deeplearning4j.nn.updater.UpdaterBlock;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.phantom4j.comm.Communicator;
import org.phantom4j.comm.RankContext;

/**
 * The ranks' shares of a network put together, and handed out: parameters and, where there is one, the updater's state, which is
 * cut into what belongs to each parameter.
 */
public final class NetworkShares {

    private NetworkShares() {}

    /** Gives a rank's network the contents of a whole one. A collective of the network's group. */
    public static void handOut(MultiLayerNetwork whole, MultiLayerNetwork network, Communicator group) {
        INDArray state = state((BaseMultiLayerUpdater<?>) whole.getUpdater(false));
        requireSame(group, whole.params(), state);
        Map<String, INDArray> own = contents(network.paramTable(), state == null ? null : network.getUpdater());
        assign(own, contents(whole.paramTable(), state == null ? null : whole.getUpdater()));
    }

    /** Gives a rank's graph the contents of a whole one. A collective of the graph's group. */
    public static void handOut(ComputationGraph whole, ComputationGraph graph, Communicator group) {
        INDArray state = state(whole.getUpdater(false));
        requireSame(group, whole.params(), state);
        Map<String, INDArray> own = contents(graph.paramTable(), state == null ? null : graph.getUpdater());
        assign(own, contents(whole.paramTable(), state == null ? null : whole.getUpdater()));
    }

    private static INDArray state(BaseMultiLayerUpdater<?> updater) {
        return updater == null ? null : updater.getStateViewArray();
    }

    private static void requireSame(Communicator group, INDArray... contents) {
        if (group.size() > 1) {
            ConfigurationAgreement.requireSameContents(group, contents);
        }
    }

    private static void assign(Map<String, INDArray> own, Map<String, INDArray> whole) {
        own.forEach((key, value) -> {
            INDArray from = whole.get(key);
            if (from == null) {
                throw new IllegalArgumentException("the whole network has no " + key
                        + ": is it one rank's share? RankNetwork.gather gives the whole");
            }
            value.assign(from);
        });
    }

    /** The whole network on rank 0, null on the others. A collective of the current group. */
    public static MultiLayerNetwork gather(MultiLayerNetwork network) {
        GroupGuard guard = GroupNetwork.guard(network);
        if (guard != null) {
            guard.finish(network.getIterationCount());
        }
        MultiLayerConfiguration configuration = GroupNetwork.fresh(network.getLayerWiseConfigurations());
        MultiLayerNetwork whole = GroupNetwork.alone(configuration, RankContext.runAlone(RankContext::current));
        boolean state = state((BaseMultiLayerUpdater<?>) network.getUpdater(false)) != null;
        return gather(
                        contents(network.paramTable(), state ? network.getUpdater() : null),
                        contents(whole.paramTable(), state ? whole.getUpdater() : null))
                ? whole
                : null;
    }

    /** The whole graph on rank 0, null on the others. A collective of the current group. */
    public static ComputationGraph gather(ComputationGraph graph) {
        GroupGuard guard = GroupGraph.guard(graph);
        if (guard != null) {
            guard.finish(graph.getIterationCount());
        }
        ComputationGraphConfiguration configuration = GroupGraph.fresh(graph.getConfiguration());
        ComputationGraph whole = GroupGraph.alone(configuration, RankContext.runAlone(RankContext::current));
        boolean state = state(graph.getUpdater(false)) != null;
        return gather(
                        contents(graph.paramTable(), state ? graph.getUpdater() : null),
                        contents(whole.paramTable(), state ? whole.getUpdater() : null))
                ? whole
                : null;
    }

    /** Brings the ranks' arrays to rank 0's whole; returns whether this is rank 0. */
    private static boolean gather(Map<String, INDArray> own, Map<String, INDArray> whole) {
        Communicator group = RankContext.current();
        List<String> keys = new ArrayList<>(whole.keySet());
        int[] owners = owners(group, keys, own);
        for (int i = 0; i < owners.length; i++) {
            INDArray value = whole.get(keys.get(i));
            INDArray received = owners[i] == group.rank()
                    ? own.get(keys.get(i)).dup('f')
                    : Nd4j.createUninitialized(value.dataType(), value.shape(), 'f');
            group.broadcast(received, owners[i]);
            if (group.rank() == 0) {
                value.assign(received);
            }
        }
        return group.rank() == 0;
    }

    /** The first rank that has each array. */
    private static int[] owners(Communicator group, List<String> all, Map<String, INDArray> own) {
        INDArray has = Nd4j.zeros(DataType.INT64, all.size());
        for (int i = 0; i < all.size(); i++) {
            has.putScalar(i, own.containsKey(all.get(i)) ? 1 : 0);
        }
        INDArray everyone = Nd4j.createUninitialized(DataType.INT64, (long) group.size() * all.size());
        group.allGather(has, everyone);
        int[] owners = new int[all.size()];
        for (int i = 0; i < owners.length; i++) {
            int rank = 0;
            while (everyone.getLong((long) rank * owners.length + i) == 0) {
                if (++rank == group.size()) {
                    throw new IllegalStateException("no rank of the group of " + group.size() + " has " + all.get(i)
                            + ": was the network made in another group?");
                }
            }
            owners[i] = rank;
        }
        return owners;
    }

    /** A network's parameters, and the parts of its updater's state that belong to each, by name. */
    private static Map<String, INDArray> contents(Map<String, INDArray> parameters, Object updater) {
        Map<String, INDArray> contents = new LinkedHashMap<>();
        parameters.forEach((key, value) -> contents.put("parameter " + key, value));
        if (updater != null) {
            ((BaseMultiLayerUpdater<?>) updater).getUpdaterBlocks().forEach(block -> addState(contents, block));
        }
        return contents;
    }

    /** A block's state is a few vectors, one after another, each as long as the block's parameters. */
    private static void addState(Map<String, INDArray> contents, UpdaterBlock block) {
        INDArray state = block.getUpdaterView();
        if (state == null) {
            return;
        }
        int length = block.getParamOffsetEnd() - block.getParamOffsetStart();
        if (state.length() % length != 0) {
            throw new IllegalStateException("updater "
                    + block.getGradientUpdater().getConfig() + " has a state of " + state.length() + " values for "
                    + length
                    + " parameters: what does not belong to single parameters cannot be brought to other ranks");
        }
        INDArray flat = state.reshape(state.length());
        for (UpdaterBlock.ParamState parameter : block.getLayersAndVariablesInBlock()) {
            int offset = parameter.getParamOffsetStart() - block.getParamOffsetStart();
            int own = parameter.getParamOffsetEnd() - parameter.getParamOffsetStart();
            for (long part = 0; part < state.length() / length; part++) {
                long from = part * length + offset;
                contents.put(
                        "state " + part + " of "
                                + parameter.getLayer().getConfig().getLayerName() + "_" + parameter.getParamName(),
                        flat.get(NDArrayIndex.interval(from, from + own)));
            }
        }
    }
}
