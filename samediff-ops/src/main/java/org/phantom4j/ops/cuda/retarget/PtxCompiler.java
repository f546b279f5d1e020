package org.phantom4j.ops.cuda.retarget;

import java.nio.file.Path;
import java.util.List;
import org.phantom4j.ops.cuda.fatbin.GpuArchitecture;

/** A program that compiles one file of PTX to a cubin: run in a process of its own, since compilers crash. */
interface PtxCompiler {
    /** {@return its name and version, fit for a file name: what it makes may differ from version to version} */
    String version();

    /** {@return the command line that compiles {@code ptx} to {@code cubin} at an optimisation level of 0 to 3} */
    List<String> command(Path ptx, Path cubin, GpuArchitecture target, int level);
}
