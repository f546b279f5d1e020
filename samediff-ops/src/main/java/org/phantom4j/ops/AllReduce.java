package org.phantom4j.ops;

import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The sum of all ranks' arrays, of any shape. Its gradient is the same op: that of the sum of the ranks' losses.
 */
public final class AllReduce extends JavaOp {

    /** The op's name. */
    public static final String NAME = "all_reduce";

    /** For ND4J, which makes ops by reflection. */
    public AllReduce() {}

    /** For a graph of this rank. */
    public AllReduce(SameDiff sameDiff, SDVariable x) {
        super(sameDiff, new SDVariable[] {x});
    }

    /** For execution on arrays; {@code output} may be null to have it made. */
    public AllReduce(INDArray x, INDArray output) {
        super(new INDArray[] {x}, output == null ? null : new INDArray[] {output});
    }

    @Override
    public String opName() {
        return NAME;
    }

    @Override
    protected int ownArguments() {
        return 0;
    }

    @Override
    public int getNumOutputs() {
        return 1;
    }

    @Override
    protected List<long[]> outputShapes(List<INDArray> inputs) {
        requireInputs(inputs, 1);
        return List.of(inputs.get(0).shape());
    }

    @Override
    protected void execute(List<INDArray> inputs, List<INDArray> outputs) {
        INDArray sum = featureMajor(outputs.get(0));
        sum.assign(inputs.get(0));
        communicator().allReduce(sum);
        if (sum != outputs.get(0)) {
            outputs.get(0).assign(sum);
        }
    }

    @Override
    public List<SDVariable> doDiff(List<SDVariable> gradients) {
        return List.of(alongside(new AllReduce(sameDiff, gradients.get(0))).outputVariable());
    }
}
