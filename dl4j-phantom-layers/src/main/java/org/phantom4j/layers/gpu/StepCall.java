package org.phantom4j.layers.gpu;

import org.phantom4j.comm.cuda.CudaStream;
import org.phantom4j.ops.gpu.UpdateKernels.ProductStep;

/**
 * Weights' gradients of a batch and their steps, in one pass over the weights.
 *
 * @param following a small one, which is done on the way; null: none
 */
record StepCall(GpuMachine machine, CudaStream stream, ProductStep step, ProductStep following, long batch, double rate)
        implements Work {

    @Override
    public void run() {
        machine.kernels.updates().updateProduct(stream, step, following, batch, rate);
        machine.count(multiplyAdds(step) + (following == null ? 0 : multiplyAdds(following)));
    }

    private long multiplyAdds(ProductStep one) {
        return one.rows() * one.columns() * batch;
    }

    /** Whether one launch can do both. */
    static boolean canJoin(Work large, Work small) {
        return large instanceof StepCall a && small instanceof StepCall b && a.step.isOfSameRows(b.step);
    }

    /** Both in one launch, on the first's stream. */
    static StepCall join(Work large, Work small) {
        StepCall first = (StepCall) large;
        return new StepCall(first.machine, first.stream, first.step, ((StepCall) small).step, first.batch, first.rate);
    }
}
