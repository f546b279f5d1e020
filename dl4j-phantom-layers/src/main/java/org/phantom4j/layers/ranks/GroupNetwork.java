package org.phantom4j.layers.ranks;

import java.util.ArrayList;
import java.util.List;
import org.deeplearning4j.nn.api.FwdPassType;
import org.deeplearning4j.nn.api.Updater;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.util.ModelSerializer;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.phantom4j.comm.Communicator;
import org.phantom4j.layers.CommunicationPlan;

/**
 * A network that belongs to one rank of a group, whatever thread asks it; see {@code RankNetwork}. In a group of one it is an
 * ordinary network that may be used anywhere.
 */
@SuppressWarnings("overrides") // Deeplearning4j implements a method of variable arity by one that is not
public final class GroupNetwork extends MultiLayerNetwork {

    private static final long serialVersionUID = 1L;

    private static final StackWalker CALLER = StackWalker.getInstance(StackWalker.Option.RETAIN_CLASS_REFERENCE);

    private final transient GroupGuard guard;

    private GroupNetwork(MultiLayerConfiguration configuration, Communicator group) {
        super(configuration);
        this.guard = new GroupGuard(group, "this network");
    }

    /** A network whose parameters are not compared with the other ranks'. */
    static GroupNetwork alone(MultiLayerConfiguration configuration, Communicator group) {
        GroupNetwork network = new GroupNetwork(configuration, group);
        network.init();
        return network;
    }

    /**
     * Makes this rank's network. A collective of the group.
     *
     * @param whole configuration of the whole network; copied
     */
    public static GroupNetwork create(MultiLayerConfiguration whole, Communicator group) {
        MultiLayerConfiguration configuration = fresh(whole);
        if (group.size() > 1) {
            ConfigurationAgreement.require(group, configuration.getConfs(), configuration::toJson);
        }
        GroupNetwork network = alone(configuration, group);
        network.plan();
        network.guard.requireSameParameters("at the start");
        return network;
    }

    private void plan() {
        guard.inGroup(() -> CommunicationPlan.apply(this));
    }

    /** A copy that lists no parameters yet. */
    static MultiLayerConfiguration fresh(MultiLayerConfiguration configuration) {
        MultiLayerConfiguration copy = configuration.clone();
        copy.getConfs().forEach(NeuralNetConfiguration::clearVariables);
        return copy;
    }

    /** What guards a network of a rank; null for any other network. */
    static GroupGuard guard(MultiLayerNetwork network) {
        return network instanceof GroupNetwork own ? own.guard : null;
    }

    @Override
    public void init(INDArray parameters, boolean cloneParametersArray) {
        if (isInitCalled()) {
            return;
        }
        guard.inGroup(() -> {
            super.init(parameters, cloneParametersArray);
            return null;
        });
        for (int i = 0; i < getnLayers(); i++) {
            guard.addReplicated(layer(i), Integer.toString(i), getLayer(i).paramTable());
        }
    }

    private Layer layer(int index) {
        return getLayerWiseConfigurations().getConf(index).getLayer();
    }

    @Override
    public void initGradientsView() {
        guard.inGroup(() -> {
            super.initGradientsView();
            return null;
        });
    }

    @Override
    public void computeGradientAndScore() {
        INDArray labelMask = getOutputLayer().getMaskArray();
        guard.beforeStep(getIterationCount(), new INDArray[] {input, labels, mask, labelMask});
        super.computeGradientAndScore();
    }

    @Override
    protected INDArray outputOfLayerDetached(
            boolean train,
            FwdPassType type,
            int layerIndex,
            INDArray features,
            INDArray featureMask,
            INDArray labelsMask,
            MemoryWorkspace workspace) {
        guard.beforeOutput(getIterationCount(), new INDArray[] {features, featureMask, labelsMask});
        return super.outputOfLayerDetached(train, type, layerIndex, features, featureMask, labelsMask, workspace);
    }

    @Override
    protected synchronized List<INDArray> ffToLayerActivationsDetached(
            boolean train,
            FwdPassType type,
            boolean storeLastForTbptt,
            int layerIndex,
            INDArray features,
            INDArray featureMask,
            INDArray labelMask,
            boolean clearInputs) {
        guard.beforeOutput(getIterationCount(), new INDArray[] {features, featureMask, labelMask});
        List<INDArray> activations = new ArrayList<>(super.ffToLayerActivationsDetached(
                train, type, storeLastForTbptt, layerIndex, features, featureMask, labelMask, clearInputs));
        for (int i = 1; i < activations.size(); i++) {
            activations.set(i, guard.whole(layer(i - 1), activations.get(i)));
        }
        return activations;
    }

    @Override
    public INDArray activateSelectedLayers(int from, int to, INDArray features) {
        return guard.whole(layer(to), super.activateSelectedLayers(from, to, features));
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
    public String summary(InputType inputType) {
        return guard.summary(super.summary(inputType));
    }

    /** What Java's serialization writes: an ordinary network, as the group is not to be written. */
    private Object writeReplace() {
        guard.refuseSaving(ModelSerializer.class);
        MultiLayerNetwork plain =
                new MultiLayerNetwork(getLayerWiseConfigurations().clone());
        return guard.inGroup(() -> {
            plain.init(params().dup(), false);
            copyState(plain);
            return plain;
        });
    }

    private void copyState(MultiLayerNetwork copy) {
        Updater updater = getUpdater(false);
        if (updater != null && updater.getStateViewArray() != null) {
            copy.getUpdater()
                    .setStateViewArray(copy, updater.getStateViewArray().dup(), false);
        }
    }

    @Override
    public GroupNetwork clone() {
        if (!isInitCalled()) {
            init();
        }
        GroupNetwork copy = new GroupNetwork(getLayerWiseConfigurations().clone(), guard.group());
        copy.init(params().dup(), false);
        copyState(copy);
        if (!guard.isAlone()) {
            copy.plan();
        }
        return copy;
    }
}
