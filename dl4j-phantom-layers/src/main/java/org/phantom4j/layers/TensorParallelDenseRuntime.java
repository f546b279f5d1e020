package org.phantom4j.layers;

import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.phantom4j.ops.TensorParallelDense;
import org.phantom4j.ops.TensorParallelDenseBp;

/**
 * A {@link TensorParallelDenseLayer} on one rank. The columns of the rank's shards lie one after another in the parameter
 * vector: they are one matrix, and one product.
 */
final class TensorParallelDenseRuntime extends DenseRuntime<TensorParallelDenseLayer> {

    private static final long serialVersionUID = 1L;

    private final long ownOut;

    TensorParallelDenseRuntime(NeuralNetConfiguration conf, DataType type) {
        super(conf, type, ((TensorParallelDenseLayer) conf.getLayer()).geometry());
        this.ownOut = geometry.out().width(shards.own);
    }

    @Override
    INDArray forward(INDArray x, INDArray z, boolean training, LayerWorkspaceMgr workspaces) {
        long[] shape = {x.size(0), geometry.nIn()};
        INDArray whole = workspaces.createUninitialized(ArrayType.ACTIVATIONS, dataType, shape, 'f');
        INDArray flat = allParameters(training, workspaces);
        Nd4j.exec(new TensorParallelDense(
                        geometry, new INDArray[] {x, weights(flat), bias(flat)}, new INDArray[] {z, whole})
                .in(shards.group));
        return whole;
    }

    @Override
    void backward(INDArray x, INDArray whole, INDArray delta, INDArray dx, LayerWorkspaceMgr workspaces) {
        INDArray flat = allParameters(true, workspaces);
        INDArray dWeights = weights(gradientsFlattened);
        INDArray dBias = bias(gradientsFlattened);
        INDArray[] outputs = dx == null ? new INDArray[] {dWeights, dBias} : new INDArray[] {dx, dWeights, dBias};
        Nd4j.exec(new TensorParallelDenseBp(
                        geometry, new INDArray[] {whole, delta, weights(flat), bias(flat)}, outputs, dx != null)
                .in(shards.group));
    }

    /** All parameters in one vector: their own, or with weight noise a copy. */
    private INDArray allParameters(boolean training, LayerWorkspaceMgr workspaces) {
        if (layerConf().getWeightNoise() == null) {
            return paramsFlattened;
        }
        INDArray noisy = paramsFlattened.dup().reshape(paramsFlattened.length());
        long start = 0;
        for (INDArray parameter : parameters(training, workspaces).values()) {
            long length = parameter.length();
            noisy.get(NDArrayIndex.interval(start, start + length)).assign(parameter.reshape('f', new long[] {length}));
            start += length;
        }
        return noisy;
    }

    private INDArray weights(INDArray flat) {
        return flat.reshape(flat.length())
                .get(NDArrayIndex.interval(0, geometry.nIn() * ownOut))
                .reshape('f', geometry.nIn(), ownOut);
    }

    private INDArray bias(INDArray flat) {
        if (!biasInProduct()) {
            return noBias().reshape(ownOut);
        }
        long start = geometry.nIn() * ownOut;
        return flat.reshape(flat.length()).get(NDArrayIndex.interval(start, start + ownOut));
    }
}
