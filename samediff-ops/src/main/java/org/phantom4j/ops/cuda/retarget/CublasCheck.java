package org.phantom4j.ops.cuda.retarget;

import static org.bytedeco.cuda.global.cublas.cublasGetProperty;
import static org.bytedeco.cuda.global.cudart.MAJOR_VERSION;
import static org.bytedeco.cuda.global.cudart.MINOR_VERSION;

import org.phantom4j.ops.cuda.fatbin.GpuArchitecture;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Whether the cuBLAS that was loaded has kernels for a GPU. */
final class CublasCheck {
    private static final Logger LOG = LoggerFactory.getLogger(CublasCheck.class);

    private CublasCheck() {}

    static void warnUnlessCovers(GpuArchitecture gpu) {
        int[] major = new int[1];
        int[] minor = new int[1];
        if (cublasGetProperty(MAJOR_VERSION, major) == 0 && cublasGetProperty(MINOR_VERSION, minor) == 0) {
            String advice = Advice.cublas(gpu, CublasVersion.of(major[0], minor[0]));
            if (!advice.isEmpty()) {
                LOG.warn(advice);
            }
        }
    }
}
