package org.phantom4j.layers.train;

import org.nd4j.linalg.factory.Nd4j;

/** How many threads ND4J's native products may use, so that ranks of one machine do not fight over its processors. */
public final class ComputeThreads {

    private ComputeThreads() {}

    /** Gives each of {@code ranks} ranks of this process an equal share of the processors, at least one. */
    public static void shareAmong(int ranks) {
        int threads = Math.max(1, Runtime.getRuntime().availableProcessors() / ranks);
        Nd4j.factory().blas().setMaxThreads(threads);
        Nd4j.getEnvironment().setMaxThreads(threads);
        Nd4j.getEnvironment().setMaxMasterThreads(threads);
    }
}
