package org.phantom4j.ops.cuda.retarget.compile;

import java.nio.file.Path;
import java.util.List;
import org.phantom4j.ops.cuda.fatbin.GpuArchitecture;

/** A program that compiles one file of PTX to a cubin: run in a process of its own, since compilers crash. */
public interface PtxCompiler {
    /** {@return its name and version, fit for a file name: what it makes may differ from version to version} */
    String version();

    /** {@return its optimisation levels, the highest first} */
    List<Integer> levels();

    /** {@return the level to start at unless another is asked for} */
    int usualLevel();

    /** {@return the command line that compiles {@code ptx} to {@code cubin} at one of its levels} */
    List<String> command(Path ptx, Path cubin, GpuArchitecture target, int level);
}
