package org.phantom4j.layers;

import java.util.Map;
import java.util.function.IntConsumer;
import org.deeplearning4j.nn.api.TrainingConfig;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.dropout.IDropout;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.layers.BaseLayer;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.ops.PhantomGeometry;
import org.phantom4j.ops.Products;
import org.phantom4j.ops.Split;

/**
 * A sharded dense layer on one rank, as far as phantom and tensor parallelism have it in common.
 *
 * <p>What the forward pass computed in training is kept for the backward pass, which Deeplearning4j's own layers compute
 * again: the products and the collective would otherwise run twice.
 */
abstract class DenseRuntime<C extends ShardedDenseLayer> extends BaseLayer<C> implements ShardedRuntime {

    private static final long serialVersionUID = 1L;

    final transient PhantomGeometry geometry;
    final transient RankShards shards;
    private final transient WholeLayer whole;
    private final transient LayerNormalization normalization;

    /** Whether the product adds the biases: where there are some, and nothing comes between. */
    private final boolean biasInProduct;

    /** What stands for biases and their gradients in products without. */
    private transient INDArray noBias;

    /** Of the forward pass in training: pre-activations, and what came from other ranks. */
    private transient INDArray z;

    private transient INDArray gathered;

    DenseRuntime(NeuralNetConfiguration conf, DataType type, PhantomGeometry geometry) {
        super(conf, type);
        this.geometry = geometry;
        this.shards = new RankShards(geometry.in());
        this.whole = new WholeLayer(this, shards);
        this.normalization = hasLayerNorm() ? new LayerNormalization(shards, geometry.out()) : null;
        this.biasInProduct = hasBias() && !hasLayerNorm();
    }

    /** Computes z from x; returns what the backward pass needs of the other ranks' values. */
    abstract INDArray forward(INDArray x, INDArray z, boolean training, LayerWorkspaceMgr workspaces);

    /** Computes the parameters' gradients into their views, and the inputs' gradient unless {@code dx} is null. */
    abstract void backward(INDArray x, INDArray gathered, INDArray delta, INDArray dx, LayerWorkspaceMgr workspaces);

    @Override
    public RankShards shards() {
        return shards;
    }

    @Override
    public boolean hasBias() {
        return layerConf().hasBias();
    }

    @Override
    public boolean hasLayerNorm() {
        return layerConf().hasLayerNorm();
    }

    @Override
    public TrainingConfig getConfig() {
        return whole.config(gradientViews);
    }

    @Override
    public void applyConstraints(int iteration, int epoch) {
        whole.constrain(params, iteration, epoch);
    }

    /** The parameters in their order, with weight noise if there is any. */
    final Map<String, INDArray> parameters(boolean training, LayerWorkspaceMgr workspaces) {
        return shards.parameters(layerConf(), params, name -> getParamWithNoise(name, training, workspaces));
    }

    /** Whether the product adds biases; else {@link #noBias} is zero in it, and takes a gradient that nobody wants. */
    final boolean biasInProduct() {
        return biasInProduct;
    }

    /** Values in the place of biases of this rank's outputs: zeros for a forward pass. */
    final INDArray noBias() {
        if (noBias == null) {
            noBias =
                    Nd4j.createUninitializedDetached(dataType, 1, geometry.out().width(shards.own));
        }
        return noBias.assign(0);
    }

    @Override
    public void setInput(INDArray input, LayerWorkspaceMgr workspaces) {
        super.setInput(input, workspaces);
        shards.newInput();
        z = null;
        gathered = null;
    }

    @Override
    protected void applyDropOutIfNecessary(boolean training, LayerWorkspaceMgr workspaces) {
        IDropout dropout = training && !dropoutApplied ? layerConf().getIDropout() : null;
        input = shards.ownInput(input, dropout, this, dataType, workspaces);
        dropoutApplied |= dropout != null;
    }

    @Override
    public INDArray activate(boolean training, LayerWorkspaceMgr workspaces) {
        INDArray preOutput = preOutput(training, workspaces);
        if (training) {
            z = preOutput;
            preOutput = workspaces.dup(ArrayType.ACTIVATIONS, preOutput, 'f');
        }
        IActivation activation = layerConf().getActivationFn();
        boolean outputwise = Activations.isOutputwise(activation);
        INDArray seen = outputwise ? preOutput : gatherOutputs(preOutput, workspaces);
        INDArray output = activation.getActivation(seen, training);
        if (maskArray != null) {
            applyMask(output);
        }
        if (outputwise) {
            return shards.gathersOutput() ? gatherOutputs(output, workspaces) : output;
        }
        return shards.gathersOutput() || shards.group.size() == 1
                ? output
                : workspaces.dup(ArrayType.ACTIVATIONS, shards.columns(output, geometry.out()), 'f');
    }

    private INDArray gatherOutputs(INDArray own, LayerWorkspaceMgr workspaces) {
        return shards.gather(own, geometry.out(), ArrayType.ACTIVATIONS, workspaces);
    }

    @Override
    protected INDArray preOutput(boolean training, LayerWorkspaceMgr workspaces) {
        assertInputSet(false);
        applyDropOutIfNecessary(training, workspaces);
        long[] shape = {input.size(0), geometry.out().width(shards.own)};
        INDArray result = workspaces.createUninitialized(ArrayType.ACTIVATIONS, dataType, shape, 'f');
        gathered = forward(input, result, training, workspaces);
        if (normalization != null) {
            normalization.forward(result, params, workspaces);
            if (hasBias()) {
                Map<String, INDArray> parameters = parameters(training, workspaces);
                forEachShard(j -> outputs(result, j).addiRowVector(parameters.get("b" + j)));
            }
        }
        return result;
    }

    private void forEachShard(IntConsumer action) {
        shards.own.stream().forEach(action);
    }

    /** One shard's columns of this rank's outputs. */
    final INDArray outputs(INDArray own, int shard) {
        Split out = geometry.out();
        return Products.columns(own, out.offset(shard) - out.offset(shards.own.first()), out.width(shard));
    }

    @Override
    public Pair<Gradient, INDArray> backpropGradient(INDArray epsilon, LayerWorkspaceMgr workspaces) {
        assertInputSet(true);
        INDArray delta = delta(z != null ? z : preOutput(true, workspaces), epsilon, workspaces);
        if (maskArray != null) {
            applyMask(delta);
        }
        if (normalization != null) {
            if (hasBias()) {
                forEachShard(
                        j -> gradientViews.get("b" + j).assign(outputs(delta, j).sum(true, 0)));
            }
            normalization.backward(delta, params, gradientViews);
        }
        INDArray dx = shards.needsInputGradient()
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
        shards.dropInputGradient(dx, layerConf().getIDropout(), this, workspaces);
        return new Pair<>(gradient, shards.inputGradient(dx, workspaces));
    }

    /** The gradient of this rank's pre-activations, from that of the outputs: of all ranks or of this one. */
    private INDArray delta(INDArray preOutput, INDArray epsilon, LayerWorkspaceMgr workspaces) {
        IActivation activation = layerConf().getActivationFn();
        Split out = geometry.out();
        boolean wholeEpsilon = epsilon.size(1) == out.length();
        if (shards.group.size() == 1 || Activations.isOutputwise(activation)) {
            INDArray own = wholeEpsilon ? shards.columns(epsilon, out) : epsilon;
            return activation.backprop(preOutput, own).getFirst();
        }
        INDArray all = wholeEpsilon ? epsilon : shards.gather(epsilon, out, ArrayType.ACTIVATION_GRAD, workspaces);
        INDArray gradient =
                activation.backprop(gatherOutputs(preOutput, workspaces), all).getFirst();
        return shards.columns(gradient, out);
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
        z = null;
        gathered = null;
        if (normalization != null) {
            normalization.clear();
        }
    }
}
