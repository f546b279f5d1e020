package org.phantom4j.layers;

import java.util.Map;
import org.deeplearning4j.nn.api.TrainingConfig;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.dropout.IDropout;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.layers.BaseOutputLayer;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.ops.AllReduce;
import org.phantom4j.ops.Products;
import org.phantom4j.ops.Split;

/**
 * A {@link ShardedOutputLayer} on one rank. The outputs, their loss and its gradient are the same on every rank, so the
 * backward pass needs no communication.
 */
final class ShardedOutputRuntime extends BaseOutputLayer<ShardedOutputLayer> implements ShardedRuntime {

    private static final long serialVersionUID = 1L;

    private final transient Split in;
    private final transient RankShards shards;
    private final transient WholeLayer whole;

    /** Of the backward pass, for the score that Deeplearning4j asks for next. */
    private transient INDArray logits;

    ShardedOutputRuntime(NeuralNetConfiguration conf, DataType type) {
        super(conf, type);
        this.in = new Split(layerConf().getNIn(), layerConf().getShards());
        this.shards = new RankShards(in);
        this.whole = new WholeLayer(this, shards);
    }

    @Override
    public RankShards shards() {
        return shards;
    }

    @Override
    public TrainingConfig getConfig() {
        return whole.config(gradientViews);
    }

    @Override
    public void applyConstraints(int iteration, int epoch) {
        whole.constrain(params, iteration, epoch);
    }

    @Override
    public void setInput(INDArray input, LayerWorkspaceMgr workspaces) {
        super.setInput(input, workspaces);
        shards.newInput();
        logits = null;
    }

    @Override
    protected void applyDropOutIfNecessary(boolean training, LayerWorkspaceMgr workspaces) {
        IDropout dropout = training && !dropoutApplied ? layerConf().getIDropout() : null;
        input = shards.ownInput(input, dropout, this, dataType, workspaces);
        dropoutApplied |= dropout != null;
    }

    @Override
    protected INDArray preOutput(boolean training, LayerWorkspaceMgr workspaces) {
        assertInputSet(false);
        if (training && logits != null) {
            return logits;
        }
        applyDropOutIfNecessary(training, workspaces);
        Map<String, INDArray> parameters =
                shards.parameters(layerConf(), params, name -> getParamWithNoise(name, training, workspaces));
        INDArray sum = partialSum(parameters, shards.own.first(), shards.own.end(), workspaces);
        Nd4j.exec(new AllReduce(sum, sum).in(shards.group));
        if (hasBias()) {
            sum.addiRowVector(parameters.get("b"));
        }
        // before the loss, which has the mask, too: as an OutputLayer's
        if (maskArray != null) {
            applyMask(sum);
        }
        return sum;
    }

    /** What some shards add to the outputs, in pairs, as the all-reduce adds the ranks' sums. */
    private INDArray partialSum(Map<String, INDArray> weights, int first, int end, LayerWorkspaceMgr workspaces) {
        int middle = (first + end) >>> 1;
        if (middle > first) {
            INDArray sum = partialSum(weights, first, middle, workspaces);
            return sum.addi(partialSum(weights, middle, end, workspaces));
        }
        long[] shape = {input.size(0), layerConf().getNOut()};
        INDArray part = workspaces.createUninitialized(ArrayType.ACTIVATIONS, dataType, shape, 'f');
        Products.multiply(rows(first), weights.get("W" + first), part, false);
        return part;
    }

    /** The input columns of one shard. */
    private INDArray rows(int shard) {
        return Products.columns(input, in.offset(shard) - in.offset(shards.own.first()), in.width(shard));
    }

    @Override
    public INDArray activate(boolean training, LayerWorkspaceMgr workspaces) {
        INDArray preOutput = preOutput(training, workspaces);
        if (preOutput == logits) {
            preOutput = workspaces.dup(ArrayType.ACTIVATIONS, logits, 'f');
        }
        INDArray output = layerConf().getActivationFn().getActivation(preOutput, training);
        if (maskArray != null) {
            applyMask(output);
        }
        return output;
    }

    @Override
    public Pair<Gradient, INDArray> backpropGradient(INDArray epsilon, LayerWorkspaceMgr workspaces) {
        assertInputSet(true);
        INDArray outputs = preOutput(true, workspaces);
        logits = outputs.detach();
        INDArray delta = layerConf()
                .getLossFn()
                .computeGradient(
                        getLabels2d(workspaces, ArrayType.BP_WORKING_MEM),
                        outputs.dup(),
                        layerConf().getActivationFn(),
                        maskArray);
        for (int j = shards.own.first(); j < shards.own.end(); j++) {
            Products.multiplyTransposed(rows(j), delta, gradientViews.get("W" + j));
        }
        if (hasBias()) {
            gradientViews.get("b").assign(delta.sum(true, 0));
        }
        Gradient result = new DefaultGradient();
        gradientViews.forEach(result::setGradientFor);
        gradient = result;
        if (!shards.needsInputGradient()) {
            weightNoiseParams.clear();
            return new Pair<>(result, null);
        }
        INDArray dx = workspaces.createUninitialized(ArrayType.ACTIVATION_GRAD, dataType, input.shape(), 'f');
        for (int j = shards.own.first(); j < shards.own.end(); j++) {
            INDArray part = Products.columns(dx, in.offset(j) - in.offset(shards.own.first()), in.width(j));
            Products.multiplyByTransposed(delta, getParamWithNoise("W" + j, true, workspaces), part, false);
        }
        weightNoiseParams.clear();
        shards.dropInputGradient(dx, layerConf().getIDropout(), this, workspaces);
        return new Pair<>(result, shards.inputGradient(dx, workspaces));
    }

    @Override
    protected INDArray getLabels2d(LayerWorkspaceMgr workspaces, ArrayType type) {
        return labels;
    }

    @Override
    public double calcRegularizationScore(boolean backpropParametersOnly) {
        return shards.regularizationScore(layerConf(), params, this);
    }

    @Override
    public void clear() {
        super.clear();
        logits = null;
    }
}
