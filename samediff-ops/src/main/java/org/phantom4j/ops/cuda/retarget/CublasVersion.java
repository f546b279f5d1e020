package org.phantom4j.ops.cuda.retarget;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A version of cuBLAS.
 *
 * @param name             for messages, such as "cuBLAS 11.11" or "the cuBLAS of CUDA 11.8"
 * @param hasHopperKernels whether it has kernels for compute capability 9.0
 */
public record CublasVersion(String name, boolean hasHopperKernels) {
    private static final Pattern OF_CUDA = Pattern.compile("cuda-(\\d+)\\.(\\d+)-.*");
    private static final Pattern OWN = Pattern.compile("libcublas\\.so\\.(\\d+)\\.(\\d+).*");
    /** CUDA 11.8 brings cuBLAS 11.11: the first with Hopper's kernels. */
    private static final int HOPPER_CUDA = 1108;

    private static final int HOPPER_CUBLAS = 1111;

    /** {@return the version of the given numbers} */
    static CublasVersion of(int major, int minor) {
        return new CublasVersion("cuBLAS " + major + "." + minor, 100 * major + minor >= HOPPER_CUBLAS);
    }

    /**
     * Reads it off the name of JavaCPP's jar with CUDA's libraries, or of a library's file.
     *
     * @return nothing if the name does not say
     */
    public static Optional<CublasVersion> ofFile(String name) {
        Matcher cuda = OF_CUDA.matcher(name);
        if (cuda.matches()) {
            int major = Integer.parseInt(cuda.group(1));
            int minor = Integer.parseInt(cuda.group(2));
            return Optional.of(
                    new CublasVersion("the cuBLAS of CUDA " + major + "." + minor, 100 * major + minor >= HOPPER_CUDA));
        }
        Matcher own = OWN.matcher(name);
        return own.matches()
                ? Optional.of(of(Integer.parseInt(own.group(1)), Integer.parseInt(own.group(2))))
                : Optional.empty();
    }

    @Override
    public String toString() {
        return name;
    }
}
