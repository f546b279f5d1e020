package org.phantom4j.comm.cuda;

import java.util.Map;

/** What a status of CUDA's driver most often means on a user's machine. */
final class CudaAdvice {

    private static final String VISIBLE = "CUDA_VISIBLE_DEVICES";

    private CudaAdvice() {}

    /** A clause that follows the error's own text; empty where nothing is known. */
    static String of(int status, Map<String, String> environment) {
        return switch (status) {
            case CudaException.OUT_OF_MEMORY -> "; use a smaller width or batch, or more ranks, or free the device";
            case 46 -> "; another process has the device for itself (nvidia-smi -q -d COMPUTE), or it needs a reset";
            case 100, 101 -> hidden(environment);
            case 209 -> "; the code was compiled for another kind of GPU";
            case 802 ->
                "; the GPUs of this machine are not ready: where they have NVSwitches, NVIDIA's fabric manager must"
                        + " run, in the driver's own version (systemctl status nvidia-fabricmanager)";
            case 803 ->
                "; libcuda is of another version than the kernel's driver: restart after the driver was updated, and"
                        + " in a container take the host's libcuda, not one of LD_LIBRARY_PATH";
            case 804 ->
                "; CUDA's compatibility library (a folder compat in LD_LIBRARY_PATH) does not serve this GPU: take it"
                        + " out of there";
            case 999 ->
                "; the driver has not started: is the kernel's module nvidia_uvm loaded (nvidia-modprobe -u), and in a"
                        + " container is /dev/nvidia-uvm there?";
            default -> "";
        };
    }

    /** Whether the variable hides GPUs, and what it is. */
    static String hidden(Map<String, String> environment) {
        String visible = environment.get(VISIBLE);
        if (visible == null) {
            return "; is there an NVIDIA GPU here, and in a container was it passed on (docker run --gpus all)?";
        }
        boolean none = visible.isBlank() || visible.trim().startsWith("-");
        return "; " + VISIBLE + " is '" + visible + "', which "
                + (none ? "hides every GPU: unset it" : "may name no GPU of this machine: numbers count from 0");
    }
}
