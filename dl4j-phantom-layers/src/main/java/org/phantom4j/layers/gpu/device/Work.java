package org.phantom4j.layers.gpu.device;

import java.util.List;
import org.phantom4j.comm.cuda.CudaStream;

/** Something that was prepared for a stream, and is started, in that stream's order, as often as one likes. */
public interface Work {

    /** What it was prepared for. */
    CudaStream stream();

    /** Starts it. */
    void run();

    /** Starts all of them, in order. */
    static void run(List<? extends Work> all) {
        all.forEach(Work::run);
    }
}
