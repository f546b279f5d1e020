package org.phantom4j.layers.ranks;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.api.FwdPassType;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.graph.LayerVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.updater.graph.ComputationGraphUpdater;
import org.deeplearning4j.util.ModelSerializer;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.phantom4j.comm.Communicator;
import org.phantom4j.layers.CommunicationPlan;

/** As {@link GroupNetwork}, for graphs. */
public final class GroupGraph extends ComputationGraph {

    private static final long serialVersionUID = 1L;

    private static final StackWalker CALLER = StackWalker.getInstance(StackWalker.Option.RETAIN_CLASS_REFERENCE);

    private final transient GroupGuard guard;

    private transient INDArray[] batchLabels;

    private GroupGraph(ComputationGraphConfiguration configuration, Communicator group) {
        super(configuration);
        this.guard = new GroupGuard(group, "this graph");
    }

    /** A graph whose parameters are not compared with the other ranks'. */
    static GroupGraph alone(ComputationGraphConfiguration configuration, Communicator group) {
        GroupGraph graph = new GroupGraph(configuration, group);
        graph.init();
        return graph;
    }

    /**
     * Makes this rank's graph. A collective of the group.
     *
     * @param whole configuration of the whole graph; copied, and planned
     */
    public static GroupGraph create(ComputationGraphConfiguration whole, Communicator group) {
        ComputationGraphConfiguration configuration = CommunicationPlan.apply(fresh(whole));
        if (group.size() > 1) {
            ConfigurationAgreement.require(group, configurations(configuration), configuration::toJson);
        }
        GroupGraph graph = alone(configuration, group);
        graph.guard.requireSameParameters("at the start");
        return graph;
    }

    /** A copy that lists no parameters yet. */
    static ComputationGraphConfiguration fresh(ComputationGraphConfiguration configuration) {
        ComputationGraphConfiguration copy = copy(configuration);
        configurations(copy).forEach(NeuralNetConfiguration::clearVariables);
        return copy;
    }

    /** Deeplearning4j's copy begins at iteration 0. */
    private static ComputationGraphConfiguration copy(ComputationGraphConfiguration configuration) {
        ComputationGraphConfiguration copy = configuration.clone();
        copy.setIterationCount(configuration.getIterationCount());
        copy.setEpochCount(configuration.getEpochCount());
        return copy;
    }

    /** The configurations of a graph's layers, after the one of what they have in common. */
    public static List<NeuralNetConfiguration> configurations(ComputationGraphConfiguration configuration) {
        List<NeuralNetConfiguration> all = new ArrayList<>(List.of(configuration.getDefaultConfiguration()));
        configuration.getVertices().values().forEach(vertex -> {
            if (vertex instanceof LayerVertex layer) {
                all.add(layer.getLayerConf());
            }
        });
        return all;
    }

    /** What guards a graph of a rank; null for any other graph. */
    static GroupGuard guard(ComputationGraph graph) {
        return graph instanceof GroupGraph own ? own.guard : null;
    }

    @Override
    public void init(INDArray parameters, boolean cloneParametersArray) {
        if (initCalled) {
            return;
        }
        guard.inGroup(() -> {
            super.init(parameters, cloneParametersArray);
            return null;
        });
        for (org.deeplearning4j.nn.graph.vertex.GraphVertex vertex : getVertices()) {
            if (vertex.hasLayer()) {
                guard.addReplicated(
                        vertex.getLayer().conf().getLayer(),
                        vertex.getVertexName(),
                        vertex.getLayer().paramTable());
            }
        }
    }

    @Override
    public void initGradientsView() {
        guard.inGroup(() -> {
            super.initGradientsView();
            return null;
        });
    }

    @Override
    public void setLabels(INDArray... labels) {
        batchLabels = labels;
        super.setLabels(labels);
    }

    @Override
    public void computeGradientAndScore() {
        guard.beforeStep(getIterationCount(), getInputs(), batchLabels, getInputMaskArrays(), getLabelMaskArrays());
        super.computeGradientAndScore();
    }

    @Override
    protected INDArray[] outputOfLayersDetached(
            boolean train,
            FwdPassType type,
            int[] layerIndexes,
            INDArray[] features,
            INDArray[] featureMasks,
            INDArray[] labelMasks,
            boolean clearLayerInputs,
            boolean detachedInputs,
            MemoryWorkspace workspace) {
        guard.beforeOutput(getIterationCount(), features, featureMasks, labelMasks);
        INDArray[] outputs = super.outputOfLayersDetached(
                train,
                type,
                layerIndexes,
                features,
                featureMasks,
                labelMasks,
                clearLayerInputs,
                detachedInputs,
                workspace);
        for (int i = 0; i < outputs.length; i++) {
            String name = getVertices()[layerIndexes[i]].getVertexName();
            outputs[i] = whole(name, outputs[i]);
        }
        return outputs;
    }

    @Override
    protected synchronized Map<String, INDArray> ffToLayerActivationsDetached(
            boolean train,
            FwdPassType type,
            boolean storeLastForTbptt,
            int layerIndex,
            int[] excluded,
            INDArray[] features,
            INDArray[] featureMasks,
            INDArray[] labelMasks,
            boolean clearLayers) {
        guard.beforeOutput(getIterationCount(), features, featureMasks, labelMasks);
        Map<String, INDArray> activations = new LinkedHashMap<>(super.ffToLayerActivationsDetached(
                train, type, storeLastForTbptt, layerIndex, excluded, features, featureMasks, labelMasks, clearLayers));
        // every rank goes through the vertices in the same order
        for (int index : topologicalSortOrder()) {
            String name = getVertices()[index].getVertexName();
            activations.computeIfPresent(name, this::whole);
        }
        return activations;
    }

    private INDArray whole(String vertex, INDArray activations) {
        return getConfiguration().getVertices().get(vertex) instanceof LayerVertex layer
                ? guard.whole(layer.getLayerConf().getLayer(), activations)
                : activations;
    }

    @Override
    public INDArray params() {
        guard.refuseSaving(CALLER.getCallerClass());
        return super.params();
    }

    @Override
    public String summary() {
        return guard.summary(super.summary());
    }

    @Override
    public String summary(InputType... inputTypes) {
        return guard.summary(super.summary(inputTypes));
    }

    /** What Java's serialization writes: an ordinary graph, as the group is not to be written. */
    private Object writeReplace() {
        guard.refuseSaving(ModelSerializer.class);
        ComputationGraph plain = new ComputationGraph(copy(getConfiguration()));
        return guard.inGroup(() -> {
            plain.init(params().dup(), false);
            copyState(plain);
            return plain;
        });
    }

    private void copyState(ComputationGraph copy) {
        ComputationGraphUpdater updater = getUpdater(false);
        if (updater != null && updater.getStateViewArray() != null) {
            copy.getUpdater().setStateViewArray(updater.getStateViewArray().dup());
        }
    }

    @Override
    public GroupGraph clone() {
        if (!initCalled) {
            init();
        }
        GroupGraph copy = new GroupGraph(copy(getConfiguration()), guard.group());
        copy.init(params().dup(), false);
        copyState(copy);
        copy.setListeners(getListeners());
        return copy;
    }
}
