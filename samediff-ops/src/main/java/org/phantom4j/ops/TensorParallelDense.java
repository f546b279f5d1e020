package org.phantom4j.ops;

import java.util.Arrays;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.phantom4j.comm.Communicator;

/**
 * The forward pass of a column-parallel dense layer on one rank: z = X W + b, where X is the all-gathered input and W, b
 * are the columns of the rank's shards. The baseline that phantom parallelism is compared with.
 *
 * <p>Inputs: x [B, the rank's inputs], W [nIn, the rank's outputs], b [the rank's outputs]. Outputs: z [B, the rank's
 * outputs] and X [B, nIn], which the backward pass needs. The i arguments' phantom width is of no effect.
 */
public final class TensorParallelDense extends ShardedOp {

    /** The op's name. */
    public static final String NAME = "tensor_parallel_dense";

    /** For ND4J, which makes ops by reflection. */
    public TensorParallelDense() {}

    /** For a graph of this rank. */
    public TensorParallelDense(
            SameDiff sameDiff, PhantomGeometry geometry, SDVariable x, SDVariable weights, SDVariable bias) {
        super(sameDiff, geometry, x, weights, bias);
    }

    /**
     * For execution on arrays.
     *
     * @param inputs x, W and b
     * @param outputs z and X, or null to have them made
     */
    public TensorParallelDense(PhantomGeometry geometry, INDArray[] inputs, INDArray[] outputs) {
        super(geometry, inputs, outputs);
    }

    @Override
    public String opName() {
        return NAME;
    }

    @Override
    public int getNumOutputs() {
        return 2;
    }

    @Override
    protected List<long[]> outputShapes(List<INDArray> inputs) {
        PhantomGeometry geometry = geometry();
        requireInputs(inputs, 3);
        long batch = inputs.get(0).size(0);
        long ownOut = geometry.out().width(own());
        requireShape("x", inputs.get(0), batch, geometry.in().width(own()));
        requireShape("W", inputs.get(1), geometry.nIn(), ownOut);
        if (inputs.get(2).length() != ownOut) {
            requireShape("b", inputs.get(2), ownOut);
        }
        return List.of(new long[] {batch, ownOut}, new long[] {batch, geometry.nIn()});
    }

    @Override
    protected void execute(List<INDArray> inputs, List<INDArray> outputs) {
        PhantomGeometry geometry = geometry();
        Communicator group = group();
        INDArray whole = featureMajor(outputs.get(1));
        INDArray ownInputs = Products.columns(
                whole, geometry.in().offset(own().first()), geometry.in().width(own()));
        Products.copy(inputs.get(0), ownInputs);
        group.startAllGather(ownInputs, whole, geometry.in().counts(group.size(), whole.size(0)))
                .await();
        Products.fillRows(Products.onesFor(whole), inputs.get(2), outputs.get(0));
        Products.multiply(whole, inputs.get(1), outputs.get(0), true);
        if (whole != outputs.get(1)) {
            Products.copy(whole, outputs.get(1));
        }
    }

    @Override
    public List<SDVariable> doDiff(List<SDVariable> gradients) {
        TensorParallelDenseBp backward = alongside(new TensorParallelDenseBp(
                sameDiff, geometry(), outputVariables()[1], gradients.get(0), gradients.get(1), arg(1), arg(2)));
        return Arrays.asList(backward.outputVariables());
    }
}
