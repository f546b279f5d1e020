package org.phantom4j.layers;

import java.util.List;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.layers.BaseLayer;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.phantom4j.ops.PhantomGeometry;
import org.phantom4j.ops.Split;

/**
 * A sharded dense layer on one rank, as far as phantom and tensor parallelism have it in common.
 *
 * <p>What the forward pass computed in training is kept for the backward pass, which Deeplearning4j's own layers compute
 * again: the products and the collective would otherwise run twice.
 */
abstract class DenseRuntime<C extends ShardedDenseLayer> extends BaseLayer<C> {

    private static final long serialVersionUID = 1L;

    final transient PhantomGeometry geometry;
    final transient RankShards shards;

    /** Of the forward pass in training: pre-activations, and what came from other ranks. */
    private transient INDArray z;

    private transient INDArray gathered;

    DenseRuntime(NeuralNetConfiguration conf, DataType type, PhantomGeometry geometry) {
        super(conf, type);
        this.geometry = geometry;
        this.shards = new RankShards(layerConf(), geometry.in());
    }

    /** Computes z from x; returns what the backward pass needs of the other ranks' values. */
    abstract INDArray forward(INDArray x, INDArray z, boolean training, LayerWorkspaceMgr workspaces);

    /** Computes the parameters' gradients into their views, and the inputs' gradient unless {@code dx} is null. */
    abstract void backward(INDArray x, INDArray gathered, INDArray delta, INDArray dx, LayerWorkspaceMgr workspaces);

    /** The parameters in their order, with weight noise if there is any. */
    final List<INDArray> parameters(boolean training, LayerWorkspaceMgr workspaces) {
        return shards.parameters(layerConf(), params.keySet(), name -> getParamWithNoise(name, training, workspaces));
    }

    @Override
    public void setInput(INDArray input, LayerWorkspaceMgr workspaces) {
        super.setInput(input, workspaces);
        z = null;
        gathered = null;
    }

    @Override
    protected void applyDropOutIfNecessary(boolean training, LayerWorkspaceMgr workspaces) {
        input = shards.ownInput(input, dataType, layerId());
        if (training && !dropoutApplied) {
            input = shards.dropInputs(input, this, workspaces);
            dropoutApplied = true;
        }
    }

    @Override
    public INDArray activate(boolean training, LayerWorkspaceMgr workspaces) {
        INDArray preOutput = preOutput(training, workspaces);
        if (training) {
            z = preOutput;
            preOutput = workspaces.dup(ArrayType.ACTIVATIONS, preOutput, 'f');
        }
        INDArray output = layerConf().getActivationFn().getActivation(preOutput, training);
        if (maskArray != null) {
            applyMask(output);
        }
        return layerConf().isGatherOutput()
                ? shards.gather(output, geometry.out(), ArrayType.ACTIVATIONS, workspaces)
                : output;
    }

    @Override
    protected INDArray preOutput(boolean training, LayerWorkspaceMgr workspaces) {
        assertInputSet(false);
        applyDropOutIfNecessary(training, workspaces);
        long[] shape = {input.size(0), geometry.out().width(shards.own)};
        INDArray result = workspaces.createUninitialized(ArrayType.ACTIVATIONS, dataType, shape, 'f');
        gathered = forward(input, result, training, workspaces);
        return result;
    }

    @Override
    public Pair<Gradient, INDArray> backpropGradient(INDArray epsilon, LayerWorkspaceMgr workspaces) {
        assertInputSet(true);
        INDArray preOutput = z != null ? z : preOutput(true, workspaces);
        Split out = geometry.out();
        INDArray ownEpsilon = epsilon.size(1) == out.length() ? shards.columns(epsilon, out) : epsilon;
        INDArray delta =
                layerConf().getActivationFn().backprop(preOutput, ownEpsilon).getFirst();
        if (maskArray != null) {
            applyMask(delta);
        }
        INDArray dx = layerConf().isInputGradient()
                ? workspaces.createUninitialized(ArrayType.ACTIVATION_GRAD, dataType, input.shape(), 'f')
                : null;
        backward(input, gathered, delta, dx, workspaces);
        z = null;
        gathered = null;
        weightNoiseParams.clear();

        Gradient gradient = new DefaultGradient();
        gradientViews.forEach(gradient::setGradientFor);
        if (dx == null) {
            return new Pair<>(gradient, null);
        }
        shards.dropInputGradient(dx, this);
        return new Pair<>(gradient, shards.inputGradient(dx, workspaces));
    }

    @Override
    public double calcRegularizationScore(boolean backpropParametersOnly) {
        return shards.regularizationScore(layerConf(), params, this);
    }

    @Override
    public boolean isPretrainLayer() {
        return false;
    }

    @Override
    public void clear() {
        super.clear();
        shards.clear();
        z = null;
        gathered = null;
    }
}
