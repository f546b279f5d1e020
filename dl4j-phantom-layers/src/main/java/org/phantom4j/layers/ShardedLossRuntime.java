package org.phantom4j.layers;

import java.util.Arrays;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.layers.BaseOutputLayer;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.phantom4j.ops.Split;

/** A {@link ShardedLossLayer} on one rank: scores add up over the ranks, gradients stay where they are. */
final class ShardedLossRuntime extends BaseOutputLayer<ShardedLossLayer> implements ShardedRuntime {

    private static final long serialVersionUID = 1L;

    private final transient Split split;
    private final transient RankShards shards;
    private final transient OutputwiseLoss loss;

    ShardedLossRuntime(NeuralNetConfiguration conf, DataType type) {
        super(conf, type);
        this.split = new Split(layerConf().getNIn(), layerConf().getShards());
        this.shards = new RankShards(split);
        this.loss = new OutputwiseLoss(layerConf().getLossFn(), split.width(shards.own), split.length());
    }

    @Override
    public RankShards shards() {
        return shards;
    }

    @Override
    public void setInput(INDArray input, LayerWorkspaceMgr workspaces) {
        super.setInput(input, workspaces);
        shards.newInput();
    }

    /** Takes this rank's inputs; there is no dropout in a loss layer, as in Deeplearning4j. */
    @Override
    protected void applyDropOutIfNecessary(boolean training, LayerWorkspaceMgr workspaces) {
        input = shards.ownInput(input, null, this, dataType, workspaces);
    }

    @Override
    protected INDArray preOutput(boolean training, LayerWorkspaceMgr workspaces) {
        assertInputSet(false);
        applyDropOutIfNecessary(training, workspaces);
        return input;
    }

    @Override
    protected INDArray getLabels2d(LayerWorkspaceMgr workspaces, ArrayType type) {
        return own(labels, "labels");
    }

    private INDArray own(INDArray array, String what) {
        if (array.size(1) != split.length()) {
            throw new IllegalArgumentException(what + " of shape " + Arrays.toString(array.shape())
                    + " do not fit: expected [batch, " + split.length() + "] " + layerId());
        }
        return shards.columns(array, split);
    }

    private INDArray mask() {
        return maskArray == null || maskArray.isColumnVectorOrScalar() ? maskArray : own(maskArray, "a mask");
    }

    @Override
    public double computeScore(double regularization, boolean training, LayerWorkspaceMgr workspaces) {
        requireData();
        INDArray outputs = preOutput(training, workspaces);
        INDArray ownLabels = getLabels2d(workspaces, ArrayType.FF_WORKING_MEM);
        double sum = shards.sum(loss.score(ownLabels, outputs.dup(), layerConf().getActivationFn(), mask()));
        // divided by the batch whatever miniBatch says, as a LossLayer's
        score = sum / getInputMiniBatchSize() + regularization;
        return score;
    }

    @Override
    public INDArray computeScoreForExamples(double regularization, LayerWorkspaceMgr workspaces) {
        requireData();
        INDArray outputs = preOutput(false, workspaces);
        INDArray ownLabels = getLabels2d(workspaces, ArrayType.FF_WORKING_MEM);
        INDArray scores = loss.scores(ownLabels, outputs.dup(), layerConf().getActivationFn(), mask())
                .dup('f');
        shards.group.allReduce(scores);
        return workspaces.leverageTo(ArrayType.ACTIVATIONS, scores.addi(regularization));
    }

    private void requireData() {
        if (input == null || labels == null) {
            throw new IllegalStateException("cannot calculate a score without input and labels " + layerId());
        }
    }

    @Override
    public Pair<Gradient, INDArray> backpropGradient(INDArray epsilon, LayerWorkspaceMgr workspaces) {
        assertInputSet(true);
        INDArray outputs = preOutput(true, workspaces);
        INDArray ownLabels = getLabels2d(workspaces, ArrayType.BP_WORKING_MEM);
        INDArray delta = loss.gradient(ownLabels, outputs.dup(), layerConf().getActivationFn(), mask());
        gradient = new DefaultGradient();
        INDArray dx = workspaces.leverageTo(ArrayType.ACTIVATION_GRAD, delta);
        return new Pair<>(gradient, shards.inputGradient(dx, workspaces));
    }

    @Override
    public INDArray activate(boolean training, LayerWorkspaceMgr workspaces) {
        INDArray outputs = workspaces.dup(ArrayType.ACTIVATIONS, preOutput(false, workspaces), 'f');
        INDArray activated = layerConf().getActivationFn().getActivation(outputs, training);
        if (maskArray != null) {
            INDArray mask = mask().castTo(dataType);
            activated = mask.isColumnVectorOrScalar() ? activated.muliColumnVector(mask) : activated.muli(mask);
        }
        return shards.gather(activated, split, ArrayType.ACTIVATIONS, workspaces);
    }

    @Override
    public double calcRegularizationScore(boolean backpropParametersOnly) {
        return 0;
    }
}
