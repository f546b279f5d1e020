package org.phantom4j.layers.gpu;

import java.util.List;

/** Something that was prepared for a stream, and is started, in that stream's order, as often as one likes. */
interface Work {

    /** Starts it. */
    void run();

    /** Starts all of them, in order. */
    static void run(List<? extends Work> all) {
        all.forEach(Work::run);
    }
}
