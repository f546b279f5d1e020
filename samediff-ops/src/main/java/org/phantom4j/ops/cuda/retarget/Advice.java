package org.phantom4j.ops.cuda.retarget;

import java.nio.file.Path;
import org.phantom4j.ops.cuda.fatbin.GpuArchitecture;

/** What to do about a GPU that is newer than a library: the sentences that the loader and the doctor share. */
public final class Advice {
    private static final int HOPPER = 9;

    /** Measured with ptxas 13.0 at its fast compilation: 22 to 23 minutes of processor time on a busy machine. */
    private static final int CORE_MINUTES = 20;

    private Advice() {}

    /** {@return which command makes ND4J run on a GPU, and how long it takes} */
    public static String retarget(GpuArchitecture gpu, Path jar) {
        int cores = Runtime.getRuntime().availableProcessors();
        return String.format(
                "ND4J's CUDA library has no kernels for this GPU (%s). Translate them once (%s):%n"
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

    /** {@return roughly how long a translation takes} */
    static String duration(int jobs) {
        return "roughly " + (CORE_MINUTES + jobs - 1) / jobs + " min at " + jobs + " modules at a time";
    }

    /**
     * Says what is wrong with a cuBLAS on a GPU.
     *
     * @param cublas its version
     * @return empty if nothing is known to be
     */
    public static String cublas(GpuArchitecture gpu, CublasVersion cublas) {
        if (gpu.major() < HOPPER || (gpu.major() == HOPPER && cublas.hasHopperKernels())) {
            return "";
        }
        return gpu.major() == HOPPER
                ? cublas + " has no kernels for " + gpu + ": put org.bytedeco:cuda:11.8-8.6-1.5.8:linux-x86_64-redist,"
                        + " whose cuBLAS has, on the class path in place of the redist of another version"
                : cublas + " was not tried on " + gpu + ": ND4J links a cuBLAS of CUDA 11, and the last of these, of"
                        + " CUDA 11.8, was made before there was such a GPU; check a matrix product before you rely on it";
    }
}
