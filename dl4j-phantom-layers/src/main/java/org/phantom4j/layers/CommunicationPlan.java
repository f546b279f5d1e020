package org.phantom4j.layers;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.graph.LayerVertex;
import org.deeplearning4j.nn.conf.layers.FeedForwardLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.phantom4j.comm.RankContext;
import org.phantom4j.ops.Split;

/**
 * Leaves out the communication and the products that a network does not need: gathering the outputs of a sharded layer
 * that only layers of the same cuts follow, and the gradient of the network's own inputs. Results stay the same. A network
 * that was not planned is right, too, and slower on several ranks.
 *
 * <p>A plan is of an initialised network, and not in its configuration: clones, saved networks and networks made of its
 * layers are ordinary ones. Do not plan a network whose input gradients are wanted. In an ordinary
 * network that is planned, {@code feedForward} gives of each such layer what the rank has of it; networks of
 * {@link org.phantom4j.layers.train.RankNetwork} give the whole.
 */
public final class CommunicationPlan {

    /** What one layer does. */
    private record Step(boolean gathersOutput, boolean needsInputGradient) {}

    private final List<Step> steps;

    private CommunicationPlan(List<Step> steps) {
        this.steps = steps;
    }

    /** The plan of a network's layers on this many ranks. */
    public static CommunicationPlan of(MultiLayerConfiguration configuration, int ranks) {
        List<Step> steps = new ArrayList<>();
        int layers = configuration.getConfs().size();
        for (int i = 0; i < layers; i++) {
            boolean inputGradient = i > 0 || configuration.getInputPreProcess(i) != null;
            boolean shardsFollow = i + 1 < layers
                    && configuration.getInputPreProcess(i + 1) == null
                    && sameCuts(layer(configuration, i), layer(configuration, i + 1), ranks);
            steps.add(new Step(!shardsFollow, inputGradient));
        }
        return new CommunicationPlan(steps);
    }

    private static Layer layer(MultiLayerConfiguration configuration, int index) {
        return configuration.getConf(index).getLayer();
    }

    /** Whether each rank hands on the outputs of all ranks in layer {@code layer}, not only its own. */
    public boolean gathersOutput(int layer) {
        return steps.get(layer).gathersOutput();
    }

    /** Whether the backward pass computes the gradient of layer {@code layer}'s inputs. */
    public boolean needsInputGradient(int layer) {
        return steps.get(layer).needsInputGradient();
    }

    /** Plans an initialised network, for the ranks of the current thread's group, and returns it. */
    public static MultiLayerNetwork apply(MultiLayerNetwork network) {
        MultiLayerConfiguration configuration = network.getLayerWiseConfigurations();
        CommunicationPlan plan = of(configuration, RankContext.current().size());
        for (int i = 0; i < plan.steps.size(); i++) {
            set(network.getLayer(i), plan.steps.get(i));
        }
        return network;
    }

    /** Plans an initialised graph, for the ranks of the current thread's group, and returns it. */
    public static ComputationGraph apply(ComputationGraph graph) {
        ComputationGraphConfiguration configuration = graph.getConfiguration();
        int ranks = RankContext.current().size();
        configuration.getVertices().forEach((name, vertex) -> {
            if (layer(vertex) instanceof ShardedLayer) {
                String input = configuration.getVertexInputs().get(name).get(0);
                boolean isNetworkInput = configuration.getNetworkInputs().contains(input)
                        && ((LayerVertex) vertex).getPreProcessor() == null
                        && followers(configuration, input).size() == 1;
                List<GraphVertex> followers = followers(configuration, name);
                boolean onlyShardsFollow = !followers.isEmpty()
                        && !configuration.getNetworkOutputs().contains(name)
                        && followers.stream()
                                .allMatch(each -> layer(each) != null
                                        && ((LayerVertex) each).getPreProcessor() == null
                                        && sameCuts(layer(vertex), layer(each), ranks));
                set(graph.getLayer(name), new Step(!onlyShardsFollow, !isNetworkInput));
            }
        });
        return graph;
    }

    private static void set(org.deeplearning4j.nn.api.Layer layer, Step step) {
        if (layer instanceof ShardedRuntime runtime) {
            runtime.shards().plan(step.gathersOutput(), step.needsInputGradient());
        }
    }

    /** Whether each rank's outputs of one layer are its inputs of the next. */
    private static boolean sameCuts(Layer layer, Layer next, int ranks) {
        if (!(layer instanceof ShardedDenseLayer dense) || !(next instanceof ShardedLayer sharded)) {
            return false;
        }
        Split out = new Split(dense.getNOut(), dense.getShards());
        Split in = new Split(((FeedForwardLayer) next).getNIn(), sharded.getShards());
        return Arrays.equals(out.counts(ranks, 1), in.counts(ranks, 1));
    }

    private static Layer layer(GraphVertex vertex) {
        return vertex instanceof LayerVertex layerVertex
                ? layerVertex.getLayerConf().getLayer()
                : null;
    }

    private static List<GraphVertex> followers(ComputationGraphConfiguration configuration, String name) {
        List<GraphVertex> followers = new ArrayList<>();
        for (Map.Entry<String, List<String>> inputs :
                configuration.getVertexInputs().entrySet()) {
            for (String input : inputs.getValue()) {
                if (input.equals(name)) {
                    followers.add(configuration.getVertices().get(inputs.getKey()));
                }
            }
        }
        return followers;
    }
}
