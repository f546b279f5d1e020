package org.phantom4j.ops;

import java.util.ArrayList;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.comm.Pending;

/**
 * The backward pass of a phantom-parallel layer on one rank, from δ_j = ∂loss/∂z_j:
 *
 * <pre>
 * ∂L_j = x_jᵀ δ_j    ∂D_ij = g_iᵀ δ_j    ∂b_j = Σ_batch δ_j    h_i = Σ_{j≠i} δ_j D_ijᵀ
 * ∂C_i = x_iᵀ h_i    ∂x_i = δ_i L_iᵀ + h_i C_iᵀ
 * </pre>
 *
 * <p>Inputs: x, g and the parameters as of {@link PhantomDense}, in the order x, g, δ [B, the rank's outputs], then (where
 * the second b argument is true) the gradient that g itself got from elsewhere, then the parameters. Outputs: ∂x (where
 * the first b argument is true), then ∂L, ∂C, ∂D, ∂b of each of the rank's shards.
 *
 * <p>Communication: one reduce-scatter of the phantom activations' gradients, under way while the gradients that do not
 * need it are computed. The gradients are those of the sum of the ranks' losses.
 */
public final class PhantomDenseBp extends ShardedOp {

    /** The op's name. */
    public static final String NAME = "phantom_dense_bp";

    /** For ND4J, which makes ops by reflection. */
    public PhantomDenseBp() {}

    /** For a graph: inputs x, g, δ, the gradient of g, and the parameters. */
    PhantomDenseBp(SameDiff sameDiff, PhantomGeometry geometry, SDVariable... inputs) {
        super(sameDiff, geometry, inputs);
        addBArgument(true, true);
    }

    /**
     * For execution on arrays.
     *
     * @param inputs x, g, δ, and the parameters
     * @param outputs ∂x if {@code inputGradient}, and the parameters' gradients; null to have them made
     * @param inputGradient whether to compute ∂x; a network's first layer needs none
     */
    public PhantomDenseBp(PhantomGeometry geometry, INDArray[] inputs, INDArray[] outputs, boolean inputGradient) {
        super(geometry, inputs, outputs);
        addBArgument(inputGradient, false);
    }

    private boolean inputGradient() {
        return bArguments.get(0);
    }

    private int firstParameter() {
        return bArguments.get(1) ? 4 : 3;
    }

    @Override
    public String opName() {
        return NAME;
    }

    @Override
    public int getNumOutputs() {
        return (inputGradient() ? 1 : 0) + PhantomParameters.perShard(geometry()) * own().count();
    }

    @Override
    protected List<long[]> outputShapes(List<INDArray> inputs) {
        PhantomGeometry geometry = geometry();
        requireInputs(inputs, firstParameter() + PhantomParameters.perShard(geometry) * own().count());
        long batch = inputs.get(0).size(0);
        requireShape("x", inputs.get(0), batch, geometry.in().width(own()));
        requireShape("g", inputs.get(1), batch, geometry.gatheredWidth());
        requireShape("the gradient of z", inputs.get(2), batch, geometry.out().width(own()));
        List<long[]> shapes = new ArrayList<>();
        if (inputGradient()) {
            shapes.add(inputs.get(0).shape());
        }
        inputs.subList(firstParameter(), inputs.size()).forEach(parameter -> shapes.add(parameter.shape()));
        return shapes;
    }

    @Override
    protected void execute(List<INDArray> inputs, List<INDArray> outputs) {
        PhantomGeometry geometry = geometry();
        int firstGradient = inputGradient() ? 1 : 0;
        List<PhantomParameters> shards =
                PhantomParameters.of(geometry, inputs.subList(firstParameter(), inputs.size()));
        List<PhantomParameters> gradients =
                PhantomParameters.of(geometry, outputs.subList(firstGradient, outputs.size()));
        INDArray[] x = slices(inputs.get(0), geometry.in());
        INDArray[] deltas = slices(inputs.get(2), geometry.out());
        INDArray[] inputGradients = inputGradient() ? slices(outputs.get(0), geometry.in()) : null;
        INDArray phantomGradients = null;
        Pending scatter = null;
        if (geometry.shards() > 1) {
            phantomGradients = phantomGradients(deltas, shards, 0, deltas.length);
            if (bArguments.get(1)) {
                phantomGradients.addi(inputs.get(3));
            }
            scatter = group().startReduceScatter(phantomGradients, ownPhantoms(phantomGradients));
        }
        INDArray ones = Products.onesFor(inputs.get(2));
        for (int i = 0; i < deltas.length; i++) {
            Products.multiplyTransposed(x[i], deltas[i], gradients.get(i).local());
            Products.sumRows(ones, deltas[i], gradients.get(i).bias());
            for (OtherShards others : OtherShards.of(geometry, own().first() + i)) {
                INDArray gradient = others.rows(gradients.get(i).decompressors());
                Products.multiplyTransposed(others.columns(inputs.get(1)), deltas[i], gradient);
            }
            if (inputGradients != null) {
                Products.multiplyByTransposed(deltas[i], shards.get(i).local(), inputGradients[i], false);
            }
        }
        if (scatter == null) {
            gradients.get(0).compressor().assign(0);
            return;
        }
        scatter.await();
        for (int i = 0; i < deltas.length; i++) {
            INDArray h = phantom(phantomGradients, own().first() + i);
            Products.multiplyTransposed(x[i], h, gradients.get(i).compressor());
            if (inputGradients != null) {
                Products.multiplyByTransposed(h, shards.get(i).compressor(), inputGradients[i], true);
            }
        }
    }

    /**
     * The share of h, [B, p·k], that comes from the rank's shards {@code first} to {@code end} − 1: added in pairs, as the
     * reduce-scatter adds the ranks' shares, so that the sum does not depend on how many shards a rank has.
     */
    private INDArray phantomGradients(INDArray[] deltas, List<PhantomParameters> shards, int first, int end) {
        int middle = (first + end) >>> 1;
        if (middle == first) {
            return phantomGradients(deltas[first], shards.get(first), own().first() + first);
        }
        INDArray sum = phantomGradients(deltas, shards, first, middle);
        Products.add(phantomGradients(deltas, shards, middle, end), sum);
        return sum;
    }

    /** The share of h that comes from one shard: nothing for the shard itself. */
    private INDArray phantomGradients(INDArray delta, PhantomParameters parameters, int shard) {
        long[] shape = {delta.size(0), geometry().gatheredWidth()};
        INDArray share = Nd4j.create(delta.dataType(), shape, 'f');
        for (OtherShards others : OtherShards.of(geometry(), shard)) {
            Products.multiplyByTransposed(delta, others.rows(parameters.decompressors()), others.columns(share), false);
        }
        return share;
    }

    @Override
    public List<SDVariable> doDiff(List<SDVariable> gradients) {
        throw new UnsupportedOperationException("second derivatives of a phantom layer are not supported");
    }
}
