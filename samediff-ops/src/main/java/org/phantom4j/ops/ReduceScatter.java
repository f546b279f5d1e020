package org.phantom4j.ops;

import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * This rank's columns of the sum of all ranks' activations: x [B, n] → [B, the rank's part]. Its gradient is
 * {@link AllGather}: that of the sum of the ranks' losses.
 */
public final class ReduceScatter extends ShardedOp {

    /** The op's name. */
    public static final String NAME = "reduce_scatter";

    /** For ND4J, which makes ops by reflection. */
    public ReduceScatter() {}

    /** For a graph of this rank; x is {@code width} wide, in {@code shards} shards. */
    public ReduceScatter(SameDiff sameDiff, long width, int shards, SDVariable x) {
        super(sameDiff, new PhantomGeometry(width, width, shards, 1), x);
    }

    /** For execution on arrays; {@code output} may be null to have it made. */
    public ReduceScatter(long width, int shards, INDArray x, INDArray output) {
        super(
                new PhantomGeometry(width, width, shards, 1),
                new INDArray[] {x},
                output == null ? null : new INDArray[] {output});
    }

    @Override
    public String opName() {
        return NAME;
    }

    @Override
    public int getNumOutputs() {
        return 1;
    }

    @Override
    protected List<long[]> outputShapes(List<INDArray> inputs) {
        requireInputs(inputs, 1);
        long batch = inputs.get(0).size(0);
        requireShape("x", inputs.get(0), batch, geometry().nIn());
        return List.of(new long[] {batch, geometry().in().width(own())});
    }

    @Override
    protected void execute(List<INDArray> inputs, List<INDArray> outputs) {
        // the collective may use its addends as scratch, and the input is not ours
        INDArray whole =
                Nd4j.createUninitialized(inputs.get(0).dataType(), inputs.get(0).shape(), 'f');
        whole.assign(inputs.get(0));
        INDArray part = featureMajor(outputs.get(0));
        group().reduceScatter(whole, part, geometry().in().counts(group().size(), whole.size(0)));
        if (part != outputs.get(0)) {
            outputs.get(0).assign(part);
        }
    }

    @Override
    public List<SDVariable> doDiff(List<SDVariable> gradients) {
        return List.of(
                alongside(new AllGather(sameDiff, geometry().nIn(), geometry().shards(), gradients.get(0)))
                        .outputVariable());
    }
}
