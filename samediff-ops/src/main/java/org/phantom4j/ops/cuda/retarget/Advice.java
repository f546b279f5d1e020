package org.phantom4j.ops.cuda.retarget;

import java.nio.file.Path;
import org.phantom4j.ops.cuda.fatbin.GpuArchitecture;

/** What to do about a GPU that is newer than a library: the sentences that the loader and the doctor share. */
public final class Advice {
    /** The first cuBLAS, of CUDA 11.8, that holds Hopper's kernels. */
    private static final int HOPPER_CUBLAS = 1111;

    private static final int HOPPER = 9;

    /** What ND4J's library takes with ptxas, on one core of a server of 2023. */
    private static final int CORE_MINUTES = 14;

    private Advice() {}

    /** {@return which command makes ND4J run on a GPU, and how long it takes} */
    public static String retarget(GpuArchitecture gpu, Path jar) {
        int cores = Runtime.getRuntime().availableProcessors();
        return String.format(
                "ND4J's CUDA library has no kernels for this GPU (%s). Translate them once, %s:%n"
                        + "    ./phantom retarget --arch %s --nd4j-jar %s%n"
                        + "or start with -D%s=automatic, which does the same now; -D%s=off goes on without.",
                gpu, duration(cores), gpu, jar, RetargetedLibraries.MODE, RetargetedLibraries.MODE);
    }

    /** {@return what to do where a library carries nothing that could be translated} */
    public static String noPtx(GpuArchitecture gpu) {
        return "ND4J 1.0.0-M2.1's CUDA library has no kernels for this GPU (" + gpu + "), and none of the PTX that they"
                + " could be made of: use ND4J 1.0.0-M1.1 with nd4j-cuda-11.2, the newest release that has, or start with"
                + " -D" + RetargetedLibraries.MODE + "=off to go on as it is";
    }

    /** {@return about how long a translation takes} */
    static String duration(int jobs) {
        return "in about " + Math.max(1, (CORE_MINUTES + jobs - 1) / jobs) + " minutes on " + jobs + " cores";
    }

    /**
     * Says what is wrong with a cuBLAS on a GPU.
     *
     * @param major of cuBLAS's version, such as 11
     * @param minor of cuBLAS's version, such as 3
     * @return empty if nothing is
     */
    public static String cublas(GpuArchitecture gpu, int major, int minor) {
        if (gpu.major() < HOPPER) {
            return "";
        }
        if (gpu.major() == HOPPER && 100 * major + minor >= HOPPER_CUBLAS) {
            return "";
        }
        if (gpu.major() == HOPPER) {
            return String.format(
                    "cuBLAS %d.%d has no kernels for %s: put org.bytedeco:cuda:11.8-8.6-1.5.8:linux-x86_64-redist, whose"
                            + " cuBLAS has, on the class path in place of the redist of another version",
                    major, minor, gpu);
        }
        return String.format(
                "no cuBLAS 11, which ND4J links, has kernels for %s: matrix products depend on what the driver makes of"
                        + " its PTX",
                gpu);
    }
}
