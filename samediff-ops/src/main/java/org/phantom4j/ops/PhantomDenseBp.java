package org.phantom4j.ops;

import java.util.ArrayList;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.comm.Communicator;
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
        boolean several = geometry().shards() > 1;
        List<INDArray> parameters = inputs.subList(firstParameter(), inputs.size());
        List<INDArray> gradients = outputs.subList(inputGradient() ? 1 : 0, outputs.size());
        INDArray delta = inputs.get(2);
        INDArray phantomGradients = null;
        Pending scatter = null;
        if (several) {
            phantomGradients = phantomGradients(delta, parameters, own().first(), own().end());
            if (bArguments.get(1)) {
                phantomGradients.addi(inputs.get(3));
            }
            Communicator group = group();
            scatter = group.startReduceScatter(phantomGradients, ownPhantoms(phantomGradients));
        }
        for (int j = own().first(); j < own().end(); j++) {
            PhantomParameters gradient = PhantomParameters.of(geometry(), gradients, own(), j);
            INDArray deltaJ = slice(delta, geometry().out(), j);
            Products.multiplyTransposed(slice(inputs.get(0), geometry().in(), j), deltaJ, gradient.local());
            Products.sumRows(deltaJ, gradient.bias());
            for (OtherShards others : OtherShards.of(geometry(), j)) {
                Products.multiplyTransposed(
                        others.columns(inputs.get(1)), deltaJ, others.rows(gradient.decompressors()));
            }
            if (inputGradient()) {
                PhantomParameters shard = PhantomParameters.of(geometry(), parameters, own(), j);
                Products.multiplyByTransposed(
                        deltaJ, shard.local(), slice(outputs.get(0), geometry().in(), j), false);
            }
        }
        if (several) {
            scatter.await();
            compressorGradients(inputs.get(0), phantomGradients, parameters, gradients, outputs.get(0));
        } else {
            PhantomParameters.of(geometry(), gradients, own(), 0).compressor().assign(0);
        }
    }

    /**
     * The share of h, [B, p·k], that comes from shards {@code first} to {@code end} − 1: added in pairs, as the reduce-scatter
     * adds the ranks' shares, so that the sum does not depend on how many shards a rank has.
     */
    private INDArray phantomGradients(INDArray delta, List<INDArray> parameters, int first, int end) {
        int middle = (first + end) >>> 1;
        if (middle == first) {
            return phantomGradients(delta, parameters, first);
        }
        INDArray sum = phantomGradients(delta, parameters, first, middle);
        Products.add(phantomGradients(delta, parameters, middle, end), sum);
        return sum;
    }

    /** The share of h that comes from one shard: nothing for the shard itself. */
    private INDArray phantomGradients(INDArray delta, List<INDArray> parameters, int shard) {
        PhantomGeometry geometry = geometry();
        long[] shape = {delta.size(0), geometry.gatheredWidth()};
        INDArray share = Nd4j.create(delta.dataType(), shape, 'f');
        INDArray decompressors =
                PhantomParameters.of(geometry, parameters, own(), shard).decompressors();
        for (OtherShards others : OtherShards.of(geometry, shard)) {
            Products.multiplyByTransposed(
                    slice(delta, geometry.out(), shard), others.rows(decompressors), others.columns(share), false);
        }
        return share;
    }

    private void compressorGradients(
            INDArray x,
            INDArray phantomGradients,
            List<INDArray> parameters,
            List<INDArray> gradients,
            INDArray inputGradient) {
        for (int j = own().first(); j < own().end(); j++) {
            INDArray h = phantom(phantomGradients, j);
            INDArray compressorGradient =
                    PhantomParameters.of(geometry(), gradients, own(), j).compressor();
            Products.multiplyTransposed(slice(x, geometry().in(), j), h, compressorGradient);
            if (inputGradient()) {
                PhantomParameters shard = PhantomParameters.of(geometry(), parameters, own(), j);
                Products.multiplyByTransposed(
                        h, shard.compressor(), slice(inputGradient, geometry().in(), j), true);
            }
        }
    }

    @Override
    public List<SDVariable> doDiff(List<SDVariable> gradients) {
        throw new UnsupportedOperationException("second derivatives of a phantom layer are not supported");
    }
}
