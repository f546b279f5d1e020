package org.phantom4j.layers;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.ops.PhantomDense;
import org.phantom4j.ops.PhantomDenseBp;

/** A {@link PhantomDenseLayer} on one rank. */
final class PhantomDenseRuntime extends DenseRuntime<PhantomDenseLayer> {

    private static final long serialVersionUID = 1L;

    PhantomDenseRuntime(NeuralNetConfiguration conf, DataType type) {
        super(conf, type, ((PhantomDenseLayer) conf.getLayer()).geometry());
    }

    @Override
    INDArray forward(INDArray x, INDArray z, boolean training, LayerWorkspaceMgr workspaces) {
        long[] shape = {x.size(0), geometry.gatheredWidth()};
        INDArray phantoms = workspaces.createUninitialized(ArrayType.ACTIVATIONS, dataType, shape, 'f');
        List<INDArray> inputs = new ArrayList<>(List.of(x));
        inputs.addAll(inOrder(parameters(training, workspaces)));
        INDArray[] outputs = {z, phantoms};
        Nd4j.exec(new PhantomDense(geometry, inputs.toArray(new INDArray[0]), outputs).in(shards.group));
        return phantoms;
    }

    @Override
    void backward(INDArray x, INDArray phantoms, INDArray delta, INDArray dx, LayerWorkspaceMgr workspaces) {
        List<INDArray> inputs = new ArrayList<>(List.of(x, phantoms, delta));
        inputs.addAll(inOrder(parameters(true, workspaces)));
        List<INDArray> outputs = new ArrayList<>(dx == null ? List.of() : List.of(dx));
        outputs.addAll(inOrder(gradientViews));
        INDArray[] in = inputs.toArray(new INDArray[0]);
        Nd4j.exec(new PhantomDenseBp(geometry, in, outputs.toArray(new INDArray[0]), dx != null).in(shards.group));
    }

    /** What the op takes of each shard: L, C, D, b. */
    private List<INDArray> inOrder(Map<String, INDArray> byName) {
        INDArray noBias = biasInProduct() ? null : noBias();
        List<INDArray> all = new ArrayList<>();
        for (int j = shards.own.first(); j < shards.own.end(); j++) {
            all.add(byName.get("L" + j));
            all.add(byName.get("C" + j));
            if (geometry.shards() > 1) {
                all.add(byName.get("D" + j));
            }
            all.add(noBias == null ? byName.get("b" + j) : outputs(noBias, j));
        }
        return all;
    }
}
