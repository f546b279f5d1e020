package org.phantom4j.ops.gpu;

import com.sun.jna.Native;
import com.sun.jna.Pointer;
import org.phantom4j.comm.cuda.CudaException;
import org.phantom4j.comm.cuda.SystemLibrary;

/** The functions of cuBLASLt that are called here. Handles and device pointers are longs. */
final class CublasLt {

    static final int DESC_POINTER_MODE = 2;
    static final int DESC_TRANSA = 3;
    static final int DESC_TRANSB = 4;
    static final int POINTER_MODE_HOST = 0;
    static final int POINTER_MODE_DEVICE = 1;
    static final int LAYOUT_BATCH_COUNT = 5;
    static final int LAYOUT_BATCH_OFFSET = 6;
    static final int PREF_WORKSPACE = 1;
    static final int PREF_ALIGNMENT_A = 5;
    static final int PREF_ALIGNMENT_B = 6;
    static final int PREF_ALIGNMENT_C = 7;
    static final int PREF_ALIGNMENT_D = 8;

    /** sizeof(cublasLtMatmulAlgo_t). */
    static final int ALGORITHM_BYTES = 64;

    /** sizeof(cublasLtMatmulHeuristicResult_t): the algorithm, its workspace, its state, waves, reserved. */
    static final int RESULT_BYTES = 96;

    static final int RESULT_STATE = 72;

    static {
        Native.register(
                CublasLt.class,
                SystemLibrary.load(
                        "phantom4j.cublaslt.library",
                        "install cuBLAS (it is part of the CUDA toolkit)",
                        "libcublasLt.so.13",
                        "libcublasLt.so.12",
                        "libcublasLt.so.11"));
    }

    private CublasLt() {}

    static void check(String call, int status) {
        if (status != 0) {
            throw new CudaException(
                    call + " failed with status " + status
                            + (status == 3 ? " (no memory on the device)" : status == 15 ? " (not supported)" : ""),
                    status);
        }
    }

    static native long cublasLtGetVersion();

    static native int cublasLtCreate(long[] handle);

    static native int cublasLtDestroy(long handle);

    static native int cublasLtMatmulDescCreate(long[] description, int computeType, int scaleType);

    static native int cublasLtMatmulDescDestroy(long description);

    static native int cublasLtMatmulDescSetAttribute(long description, int attribute, int[] value, long bytes);

    static native int cublasLtMatrixLayoutCreate(long[] layout, int type, long rows, long columns, long stride);

    static native int cublasLtMatrixLayoutSetAttribute(long layout, int attribute, long[] value, long bytes);

    static native int cublasLtMatrixLayoutDestroy(long layout);

    static native int cublasLtMatmulPreferenceCreate(long[] preference);

    static native int cublasLtMatmulPreferenceDestroy(long preference);

    static native int cublasLtMatmulPreferenceSetAttribute(long preference, int attribute, long[] value, long bytes);

    static native int cublasLtMatmulAlgoGetHeuristic(
            long handle,
            long description,
            long a,
            long b,
            long c,
            long d,
            long preference,
            int requested,
            Pointer results,
            int[] returned);

    static native int cublasLtMatmul(
            long handle,
            long description,
            Pointer alpha,
            long a,
            long layoutA,
            long b,
            long layoutB,
            Pointer beta,
            long c,
            long layoutC,
            long d,
            long layoutD,
            Pointer algorithm,
            long workspace,
            long workspaceBytes,
            long stream);
}
