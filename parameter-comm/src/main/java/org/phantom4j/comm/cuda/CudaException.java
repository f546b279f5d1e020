package org.phantom4j.comm.cuda;

/** A call of NVIDIA's driver or libraries failed. The message names the call, the error and, where one is likely, the cause. */
public final class CudaException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /** CUDA_ERROR_OUT_OF_MEMORY. */
    static final int OUT_OF_MEMORY = 2;

    private final int code;

    /**
     * Makes an exception.
     *
     * @param code the library's own status; 0 if the failure is none of its calls'
     */
    public CudaException(String message, int code) {
        super(message);
        this.code = code;
    }

    /** The library's own status; 0 if the failure is none of its calls'. */
    public int code() {
        return code;
    }

    /** Whether the device had no memory left. */
    public boolean isOutOfMemory() {
        return code == OUT_OF_MEMORY;
    }
}
