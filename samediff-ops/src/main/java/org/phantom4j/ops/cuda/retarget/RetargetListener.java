package org.phantom4j.ops.cuda.retarget;

import java.nio.file.Path;

/** Hears how a translation goes. Called by the thread that runs the translation. */
public interface RetargetListener {
    /** Called once if another run is translating into the folder, and this one waits for it. */
    default void waiting(Path folder) {}

    /** Called once, before the first module. */
    default void started(String compiler, int modules, long ptxBytes) {}

    /**
     * Called after each module.
     *
     * @param ptxBytes what it weighs of the whole
     * @param level    the optimisation level it was compiled at
     * @param resumed  whether an earlier, interrupted run had compiled it
     */
    default void translated(long ptxBytes, int level, boolean resumed) {}
}
