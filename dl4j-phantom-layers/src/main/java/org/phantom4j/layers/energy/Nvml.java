package org.phantom4j.layers.energy;

import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Platform;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.LongByReference;
import com.sun.jna.ptr.PointerByReference;

/**
 * What is used of NVIDIA's management library, which comes with the driver. Loading this class throws a
 * {@link LinkageError} where there is none.
 */
final class Nvml {

    static final int SUCCESS = 0;

    /** Bytes that hold any name or identifier. */
    static final int TEXT_BYTES = 96;

    static {
        Native.register(Nvml.class, NativeLibrary.getInstance(Platform.isWindows() ? "nvml" : "libnvidia-ml.so.1"));
    }

    private Nvml() {}

    static native int nvmlInit_v2();

    static native int nvmlShutdown();

    static native Pointer nvmlErrorString(int result);

    static native int nvmlDeviceGetCount_v2(IntByReference count);

    static native int nvmlDeviceGetHandleByIndex_v2(int index, PointerByReference device);

    static native int nvmlDeviceGetHandleByPciBusId_v2(String pciBusId, PointerByReference device);

    static native int nvmlDeviceGetHandleByUUID(String uuid, PointerByReference device);

    static native int nvmlDeviceGetName(Pointer device, byte[] name, int length);

    static native int nvmlDeviceGetUUID(Pointer device, byte[] uuid, int length);

    /** Energy in mJ since the driver was loaded. */
    static native int nvmlDeviceGetTotalEnergyConsumption(Pointer device, LongByReference millijoules);

    /** What a result that is not {@link #SUCCESS} means. */
    static String message(int result) {
        Pointer text = nvmlErrorString(result);
        return text == null ? "error " + result : text.getString(0);
    }
}
