package org.phantom4j.layers;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.graph.LayerVertex;
import org.deeplearning4j.nn.conf.layers.Layer;

/**
 * Leaves out the communication and the products that a network does not need: gathering the outputs of a sharded layer
 * that only sharded layers follow, and the gradient of the network's own inputs. Results stay the same. A network whose
 * configuration was not planned is right, too, and slower on several ranks.
 *
 * <p>Do not plan a network whose input gradients are wanted.
 */
public final class CommunicationPlan {

    private CommunicationPlan() {}

    /** Plans a configuration, in place, and returns it. */
    public static MultiLayerConfiguration apply(MultiLayerConfiguration configuration) {
        int layers = configuration.getConfs().size();
        for (int i = 0; i < layers; i++) {
            Layer layer = configuration.getConf(i).getLayer();
            if (layer instanceof ShardedLayer sharded) {
                sharded.setInputGradient(i > 0 || configuration.getInputPreProcess(i) != null);
            }
            if (layer instanceof ShardedDenseLayer dense) {
                boolean shardsFollow = i + 1 < layers
                        && configuration.getConf(i + 1).getLayer() instanceof ShardedLayer
                        && configuration.getInputPreProcess(i + 1) == null;
                dense.setGatherOutput(!shardsFollow);
            }
        }
        return configuration;
    }

    /** Plans a configuration, in place, and returns it. */
    public static ComputationGraphConfiguration apply(ComputationGraphConfiguration configuration) {
        configuration.getVertices().forEach((name, vertex) -> {
            Layer layer = layer(vertex);
            if (layer instanceof ShardedLayer sharded) {
                String input = configuration.getVertexInputs().get(name).get(0);
                boolean isNetworkInput = configuration.getNetworkInputs().contains(input)
                        && ((LayerVertex) vertex).getPreProcessor() == null
                        && followers(configuration, input).size() == 1;
                sharded.setInputGradient(!isNetworkInput);
            }
            if (layer instanceof ShardedDenseLayer dense) {
                List<GraphVertex> followers = followers(configuration, name);
                boolean onlyShardsFollow = !followers.isEmpty()
                        && !configuration.getNetworkOutputs().contains(name)
                        && followers.stream().allMatch(CommunicationPlan::takesShards);
                dense.setGatherOutput(!onlyShardsFollow);
            }
        });
        return configuration;
    }

    private static Layer layer(GraphVertex vertex) {
        return vertex instanceof LayerVertex layerVertex
                ? layerVertex.getLayerConf().getLayer()
                : null;
    }

    private static boolean takesShards(GraphVertex vertex) {
        return layer(vertex) instanceof ShardedLayer && ((LayerVertex) vertex).getPreProcessor() == null;
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
