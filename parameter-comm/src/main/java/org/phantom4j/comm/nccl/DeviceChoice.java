package org.phantom4j.comm.nccl;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.phantom4j.comm.CommException;
import org.phantom4j.comm.CommException.Reason;
import org.phantom4j.comm.cuda.CudaDevice;

/** Which device a rank computes on: one for each rank. */
final class DeviceChoice {

    private DeviceChoice() {}

    /**
     * Refuses what cannot run.
     *
     * @param ranks the ranks of this machine
     * @param devices the devices that this process sees
     */
    static void requireEnough(int ranks, int devices) {
        if (devices == 0) {
            throw new IllegalArgumentException(
                    "back end nccl needs an NVIDIA GPU for each rank, and this process sees none: "
                            + CudaDevice.obstacle().orElse("the driver lists none")
                            + "; without one use --comm local");
        }
        if (ranks > devices) {
            throw new IllegalArgumentException(
                    ranks + " ranks need " + ranks + " GPUs, and this process sees " + devices
                            + ": use at most " + devices
                            + " ranks (a rank can hold several shards), and see what CUDA_VISIBLE_DEVICES shows");
        }
    }

    /**
     * The device of a rank that is a process: its local number, or the only one that it sees, where a launcher shows each
     * process a device of its own.
     */
    static int ofProcess(int localRank, int devices) {
        if (devices == 1) {
            return 0;
        }
        requireEnough(localRank + 1, devices);
        return localRank;
    }

    /**
     * Refuses ranks that share a device, which NCCL cannot serve.
     *
     * @param own the bus id of this rank's device
     */
    static void requireDistinct(ControlGroup control, String own) {
        List<byte[]> all = control.exchange(own.getBytes(StandardCharsets.UTF_8));
        for (int a = 0; a < all.size(); a++) {
            for (int b = a + 1; b < all.size(); b++) {
                String device = new String(all.get(a), StandardCharsets.UTF_8);
                if (control.machine(a).equals(control.machine(b))
                        && device.equals(new String(all.get(b), StandardCharsets.UTF_8))) {
                    throw control.fail(new CommException(
                            Reason.REFUSED,
                            control.name(a) + " and " + control.name(b) + " are both on GPU " + device
                                    + ": NCCL needs one for each rank; use fewer ranks (a rank can hold several shards),"
                                    + " or see what LOCAL_RANK and CUDA_VISIBLE_DEVICES are"));
                }
            }
        }
    }
}
