package org.phantom4j.layers.train;

import org.nd4j.linalg.factory.Nd4j;

/**
 * How many threads ND4J's native products use. With more than one, products round differently: training runs agree to the
 * last bit only between runs with the same number.
 */
public final class ComputeThreads {

    private ComputeThreads() {}

    /** Lets each rank of this process compute with this many threads. */
    public static void perRank(int threads) {
        Nd4j.factory().blas().setMaxThreads(threads);
        Nd4j.getEnvironment().setMaxThreads(threads);
        Nd4j.getEnvironment().setMaxMasterThreads(threads);
    }
}
