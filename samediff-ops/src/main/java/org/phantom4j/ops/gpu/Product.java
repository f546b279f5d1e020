package org.phantom4j.ops.gpu;

import org.phantom4j.comm.cuda.CudaStream;

/** A matrix product of one shape, ready to run on any data. */
@FunctionalInterface
public interface Product {

    /** Runs it, in the stream's order: c = op(a) op(b) as its {@link ProductShape} says. */
    void run(CudaStream stream, long a, long b, long c);
}
