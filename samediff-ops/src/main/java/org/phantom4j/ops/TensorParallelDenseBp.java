package org.phantom4j.ops;

import java.util.ArrayList;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.comm.Communicator;
import org.phantom4j.comm.DenseArrays;
import org.phantom4j.comm.Pending;

/**
 * The backward pass of a column-parallel dense layer on one rank: ∂W = Xᵀ δ, ∂b = Σ_batch δ, and ∂x, this rank's block of
 * the sum over ranks of δ Wᵀ.
 *
 * <p>Inputs: X [B, nIn], δ [B, the rank's outputs], then (where the second b argument is true) the gradient that X itself
 * got from elsewhere, then W and b. Outputs: ∂x (where the first b argument is true), ∂W, ∂b.
 *
 * <p>Communication: one reduce-scatter, under way while ∂W is computed; none without ∂x.
 */
public final class TensorParallelDenseBp extends ShardedOp {

    /** The op's name. */
    public static final String NAME = "tensor_parallel_dense_bp";

    /** For ND4J, which makes ops by reflection. */
    public TensorParallelDenseBp() {}

    /** For a graph: inputs X, δ, the gradient of X, W and b. */
    TensorParallelDenseBp(SameDiff sameDiff, PhantomGeometry geometry, SDVariable... inputs) {
        super(sameDiff, geometry, inputs);
        addBArgument(true, true);
    }

    /**
     * For execution on arrays.
     *
     * @param inputs X, δ, W and b
     * @param outputs ∂x if {@code inputGradient}, ∂W and ∂b; null to have them made
     * @param inputGradient whether to compute ∂x; a network's first layer needs none
     */
    public TensorParallelDenseBp(
            PhantomGeometry geometry, INDArray[] inputs, INDArray[] outputs, boolean inputGradient) {
        super(geometry, inputs, outputs);
        addBArgument(inputGradient, false);
    }

    private boolean inputGradient() {
        return bArguments.get(0);
    }

    private int weights() {
        return bArguments.get(1) ? 3 : 2;
    }

    @Override
    public String opName() {
        return NAME;
    }

    @Override
    public int getNumOutputs() {
        return inputGradient() ? 3 : 2;
    }

    @Override
    protected List<long[]> outputShapes(List<INDArray> inputs) {
        PhantomGeometry geometry = geometry();
        requireInputs(inputs, weights() + 2);
        long batch = inputs.get(0).size(0);
        requireShape("X", inputs.get(0), batch, geometry.nIn());
        requireShape("the gradient of z", inputs.get(1), batch, geometry.out().width(own()));
        List<long[]> shapes = new ArrayList<>();
        if (inputGradient()) {
            shapes.add(new long[] {batch, geometry.in().width(own())});
        }
        shapes.add(inputs.get(weights()).shape());
        shapes.add(inputs.get(weights() + 1).shape());
        return shapes;
    }

    @Override
    protected void execute(List<INDArray> inputs, List<INDArray> outputs) {
        PhantomGeometry geometry = geometry();
        Communicator group = group();
        INDArray whole = inputs.get(0);
        INDArray delta = inputs.get(1);
        int first = inputGradient() ? 1 : 0;
        INDArray ownGradients = null;
        Pending scatter = null;
        if (inputGradient()) {
            // a rank alone needs no buffer for the sum of the ranks' gradients
            INDArray all = group.size() == 1
                    ? featureMajor(outputs.get(0))
                    : Nd4j.createUninitialized(whole.dataType(), whole.shape(), 'f');
            Products.multiplyByTransposed(delta, inputs.get(weights()), all, false);
            if (bArguments.get(1)) {
                all.addi(inputs.get(2));
            }
            ownGradients = Products.columns(
                    all, geometry.in().offset(own().first()), geometry.in().width(own()));
            scatter = group.startReduceScatter(all, ownGradients, geometry.in().counts(group.size(), whole.size(0)));
        }
        Products.multiplyTransposed(whole, delta, outputs.get(first));
        Products.sumRows(Products.onesFor(delta), delta, outputs.get(first + 1));
        if (inputGradient()) {
            scatter.await();
            if (!DenseArrays.sameMemory(ownGradients, outputs.get(0))) {
                Products.copy(ownGradients, outputs.get(0));
            }
        }
    }

    @Override
    public List<SDVariable> doDiff(List<SDVariable> gradients) {
        throw new UnsupportedOperationException("second derivatives of a tensor-parallel layer are not supported");
    }
}
