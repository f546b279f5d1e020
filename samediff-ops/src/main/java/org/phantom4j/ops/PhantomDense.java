package org.phantom4j.ops;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.phantom4j.comm.Communicator;
import org.phantom4j.comm.Pending;

/**
 * The forward pass of a phantom-parallel layer on one rank: z_j = x_j L_j + Σ_{i≠j} g_i D_ij + b_j with g_i = x_i C_i.
 *
 * <p>Inputs: x [B, the rank's inputs], then for each of the rank's shards in order L, C, D, b, of the shapes of
 * {@link PhantomGeometry}; D is absent where there is one shard. Outputs: z [B, the rank's outputs] and g [B, p·k], the
 * phantom activations of all shards, which the backward pass needs.
 *
 * <p>Communication: one all-gather of the phantom activations, under way while the local product is computed. Outputs in
 * 'f' order are used as they are; others cost a copy.
 */
public final class PhantomDense extends ShardedOp {

    /** The op's name. */
    public static final String NAME = "phantom_dense";

    /** For ND4J, which makes ops by reflection. */
    public PhantomDense() {}

    /**
     * For a graph of this rank.
     *
     * @param x [B, the rank's inputs]
     * @param parameters L, C, D, b of each of the rank's shards
     */
    public PhantomDense(SameDiff sameDiff, PhantomGeometry geometry, SDVariable x, SDVariable... parameters) {
        super(sameDiff, geometry, concat(x, parameters));
    }

    /**
     * For execution on arrays.
     *
     * @param outputs z and g, or null to have them made
     */
    public PhantomDense(PhantomGeometry geometry, INDArray[] inputs, INDArray[] outputs) {
        super(geometry, inputs, outputs);
    }

    private static SDVariable[] concat(SDVariable first, SDVariable[] rest) {
        List<SDVariable> all = new ArrayList<>(List.of(first));
        all.addAll(Arrays.asList(rest));
        return all.toArray(new SDVariable[0]);
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
        requireInputs(inputs, 1 + PhantomParameters.perShard(geometry) * own().count());
        long batch = inputs.get(0).size(0);
        requireShape("x", inputs.get(0), batch, geometry.in().width(own()));
        List<PhantomParameters> shards = PhantomParameters.of(geometry, inputs.subList(1, inputs.size()));
        for (int j = own().first(); j < own().end(); j++) {
            PhantomParameters shard = shards.get(j - own().first());
            requireShape(
                    "L of shard " + j,
                    shard.local(),
                    geometry.in().width(j),
                    geometry.out().width(j));
            requireShape("C of shard " + j, shard.compressor(), geometry.in().width(j), geometry.phantomWidth());
            if (shard.decompressors() != null) {
                requireShape(
                        "D of shard " + j,
                        shard.decompressors(),
                        geometry.decompressorRows(),
                        geometry.out().width(j));
            }
            if (shard.bias().length() != geometry.out().width(j)) {
                requireShape("b of shard " + j, shard.bias(), geometry.out().width(j));
            }
        }
        return List.of(new long[] {batch, geometry.out().width(own())}, new long[] {batch, geometry.gatheredWidth()});
    }

    @Override
    protected void execute(List<INDArray> inputs, List<INDArray> outputs) {
        PhantomGeometry geometry = geometry();
        Communicator group = group();
        INDArray[] x = slices(inputs.get(0), geometry.in());
        INDArray[] z = slices(outputs.get(0), geometry.out());
        INDArray gathered = featureMajor(outputs.get(1));
        List<PhantomParameters> shards = PhantomParameters.of(geometry, inputs.subList(1, inputs.size()));
        int first = own().first();
        Pending gather = null;
        if (geometry.shards() > 1) {
            for (int i = 0; i < x.length; i++) {
                Products.multiply(x[i], shards.get(i).compressor(), phantom(gathered, first + i), false);
            }
            gather = group.startAllGather(ownPhantoms(gathered), gathered);
        } else {
            gathered.assign(0);
        }
        INDArray ones = Products.onesFor(inputs.get(0));
        for (int i = 0; i < x.length; i++) {
            Products.fillRows(ones, shards.get(i).bias(), z[i]);
            Products.multiply(x[i], shards.get(i).local(), z[i], true);
        }
        if (gather != null) {
            gather.await();
            for (int i = 0; i < x.length; i++) {
                decompress(gathered, shards.get(i), first + i, z[i]);
            }
        }
        if (gathered != outputs.get(1)) {
            Products.copy(gathered, outputs.get(1));
        }
    }

    /** z_j += Σ_{i≠j} g_i D_ij: one product with the shards before j, one with those after. */
    private void decompress(INDArray gathered, PhantomParameters shard, int j, INDArray z) {
        for (OtherShards others : OtherShards.of(geometry(), j)) {
            Products.multiply(others.columns(gathered), others.rows(shard.decompressors()), z, true);
        }
    }

    @Override
    public List<SDVariable> doDiff(List<SDVariable> gradients) {
        SDVariable[] outputs = outputVariables();
        List<SDVariable> inputs = new ArrayList<>(List.of(arg(0), outputs[1], gradients.get(0), gradients.get(1)));
        inputs.addAll(Arrays.asList(args()).subList(1, args().length));
        PhantomDenseBp backward =
                alongside(new PhantomDenseBp(sameDiff, geometry(), inputs.toArray(new SDVariable[0])));
        return Arrays.asList(backward.outputVariables());
    }
}
