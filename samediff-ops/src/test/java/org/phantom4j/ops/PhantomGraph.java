package org.phantom4j.ops;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.phantom4j.comm.Communicator;
import org.phantom4j.comm.RankContext;

/**
 * A SameDiff graph of one rank, for tests: tanh of a phantom (or tensor-parallel) layer, mean squared error against
 * labels, and a loss of the second output, g (or X), alone.
 */
final class PhantomGraph {

    static final String LOSS = "loss";

    final SameDiff graph = SameDiff.create();
    final List<String> variables = new ArrayList<>();
    final ShardRange own;

    static PhantomGraph phantom(RandomLayer layer) {
        PhantomGraph made = new PhantomGraph(layer);
        SDVariable[] parameters = new SDVariable[layer.parameters(made.own).size()];
        for (int i = 0; i < parameters.length; i++) {
            parameters[i] = made.variable("w" + i, layer.parameters(made.own).get(i));
        }
        PhantomDense op = new PhantomDense(made.graph, layer.geometry, made.graph.getVariable("x"), parameters);
        made.losses(op.outputVariables());
        return made;
    }

    static PhantomGraph tensor(RandomLayer layer, INDArray weights) {
        PhantomGraph made = new PhantomGraph(layer);
        long first = layer.geometry.out().offset(made.own.first());
        long width = layer.geometry.out().width(made.own);
        SDVariable ownWeights = made.variable("w0", Products.columns(weights, first, width));
        SDVariable bias =
                made.variable("w1", Products.columns(layer.bias().reshape(1, layer.geometry.nOut()), first, width));
        TensorParallelDense op =
                new TensorParallelDense(made.graph, layer.geometry, made.graph.getVariable("x"), ownWeights, bias);
        made.losses(op.outputVariables());
        return made;
    }

    private PhantomGraph(RandomLayer layer) {
        Communicator group = RankContext.current();
        own = ShardRange.of(group.rank(), group.size(), layer.geometry.shards());
        graph.placeHolder("x", DataType.DOUBLE, -1, layer.geometry.in().width(own));
        graph.placeHolder("labels", DataType.DOUBLE, -1, layer.geometry.out().width(own));
    }

    private SDVariable variable(String name, INDArray value) {
        variables.add(name);
        return graph.var(name, value.dup());
    }

    private void losses(SDVariable[] outputs) {
        outputs[0].rename("z");
        outputs[1].rename("second");
        SDVariable error = graph.math.tanh(outputs[0]).sub(graph.getVariable("labels"));
        error.mul(error).sum(LOSS);
        graph.math.square(graph.math.sin(outputs[1])).sum("loss of second");
        graph.setLossVariables(LOSS);
    }

    Map<String, INDArray> feed(RandomLayer layer) {
        return Map.of("x", layer.x(own).dup(), "labels", layer.delta(own).dup());
    }

    /** Central differences of the loss by one variable. */
    static INDArray finiteDifferences(SameDiff graph, Map<String, INDArray> feed, String loss, String variable) {
        double step = 1e-5;
        INDArray value = graph.getVariable(variable).getArr().dup();
        INDArray result = value.dup('c');
        for (long i = 0; i < value.length(); i++) {
            double[] losses = new double[2];
            for (int side = 0; side < 2; side++) {
                INDArray moved = value.dup();
                moved.putScalar(i, value.getDouble(i) + (side == 0 ? -step : step));
                graph.getVariable(variable).setArray(moved);
                losses[side] = graph.outputSingle(feed, loss).getDouble(0);
            }
            result.putScalar(i, (losses[1] - losses[0]) / (2 * step));
        }
        graph.getVariable(variable).setArray(value);
        return result;
    }
}
