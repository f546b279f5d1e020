package org.phantom4j.ops;

import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Every rank's activations, side by side: x [B, the rank's part] → [B, n]. Its gradient is {@link ReduceScatter}: that of
 * the sum of the ranks' losses.
 */
public final class AllGather extends ShardedOp {

    /** The op's name. */
    public static final String NAME = "all_gather";

    /** For ND4J, which makes ops by reflection. */
    public AllGather() {}

    /** For a graph of this rank; the whole is {@code width} wide, in {@code shards} shards. */
    public AllGather(SameDiff sameDiff, long width, int shards, SDVariable x) {
        super(sameDiff, new PhantomGeometry(width, width, shards, 1), x);
    }

    /** For execution on arrays; {@code output} may be null to have it made. */
    public AllGather(long width, int shards, INDArray x, INDArray output) {
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
        requireShape("x", inputs.get(0), batch, geometry().in().width(own()));
        return List.of(new long[] {batch, geometry().nIn()});
    }

    @Override
    protected void execute(List<INDArray> inputs, List<INDArray> outputs) {
        INDArray whole = featureMajor(outputs.get(0));
        Split split = geometry().in();
        INDArray part = Products.columns(whole, split.offset(own().first()), split.width(own()));
        part.assign(inputs.get(0));
        group().allGather(part, whole, split.counts(group().size(), whole.size(0)));
        if (whole != outputs.get(0)) {
            outputs.get(0).assign(whole);
        }
    }

    @Override
    public List<SDVariable> doDiff(List<SDVariable> gradients) {
        return List.of(alongside(
                        new ReduceScatter(sameDiff, geometry().nIn(), geometry().shards(), gradients.get(0)))
                .outputVariable());
    }
}
