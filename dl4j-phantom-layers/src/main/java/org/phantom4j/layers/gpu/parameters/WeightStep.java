package org.phantom4j.layers.gpu.parameters;

import org.phantom4j.comm.cuda.CudaStream;
import org.phantom4j.layers.gpu.device.Work;
import org.phantom4j.ops.gpu.ProductStep;

/**
 * What makes weights' gradients and their steps.
 *
 * @param stream where it runs; another one than was asked for where steps share memory
 * @param start what it starts
 * @param onePass a step that can be joined with another of the same x; null: it cannot
 * @param batch samples
 */
public record WeightStep(CudaStream stream, Runnable start, ProductStep onePass, long batch) implements Work {

    @Override
    public void run() {
        start.run();
    }
}
