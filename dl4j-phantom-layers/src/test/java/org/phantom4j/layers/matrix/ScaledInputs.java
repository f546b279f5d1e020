package org.phantom4j.layers.matrix;

import org.deeplearning4j.nn.conf.dropout.IDropout;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.shade.jackson.annotation.JsonIgnoreProperties;

/** A user's own dropout, without chance: multiplies inputs by a factor that depends on the iteration. */
@JsonIgnoreProperties(ignoreUnknown = true)
public final class ScaledInputs implements IDropout {

    private static final long serialVersionUID = 1L;

    private static double factor(int iteration) {
        return 0.5 + 0.25 / (1 + iteration);
    }

    @Override
    public INDArray applyDropout(
            INDArray inputs, INDArray result, int iteration, int epoch, LayerWorkspaceMgr workspaces) {
        return inputs.muli(factor(iteration), result);
    }

    @Override
    public INDArray backprop(INDArray gradAtOutput, INDArray gradAtInput, int iteration, int epoch) {
        return gradAtOutput.muli(factor(iteration), gradAtInput);
    }

    @Override
    public void clear() {
        // keeps nothing
    }

    @Override
    @SuppressWarnings({"MethodDoesntCallSuperMethod", "super"}) // it has no fields
    public ScaledInputs clone() {
        return new ScaledInputs();
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof ScaledInputs;
    }

    @Override
    public int hashCode() {
        return 1;
    }
}
