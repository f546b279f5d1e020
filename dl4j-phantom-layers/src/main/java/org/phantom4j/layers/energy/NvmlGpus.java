package org.phantom4j.layers.energy;

import com.sun.jna.Native;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.LongByReference;
import com.sun.jna.ptr.PointerByReference;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;

/** The GPUs whose energy NVML tells. Holds NVML until it is closed. */
final class NvmlGpus implements AutoCloseable {

    private static final long MICRO_PER_MILLI = 1000;

    /** GPUs count some ten times a second. */
    private static final long COUNTED_EVERY_NS = 100_000_000;

    private final List<EnergyCounter> counters = new ArrayList<>();
    private final AtomicBoolean open = new AtomicBoolean();

    private NvmlGpus() {}

    /**
     * The GPUs that can be read.
     *
     * @param gpus PCI bus ids or UUIDs; null for every GPU of the machine
     * @param notMeasured gets a line for each GPU that cannot be read, or for all where there is no NVML
     */
    static NvmlGpus open(Collection<String> gpus, List<String> notMeasured) {
        NvmlGpus all = new NvmlGpus();
        try {
            check(Nvml.nvmlInit_v2(), "NVML does not start");
            all.open.set(true);
            if (gpus == null) {
                all.addEvery(notMeasured);
            } else {
                gpus.forEach(gpu -> all.add(gpu, notMeasured));
            }
        } catch (IOException e) {
            notMeasured.add("GPUs: " + e.getMessage());
        } catch (LinkageError e) {
            notMeasured.add("GPUs: no NVML, which comes with NVIDIA's driver ("
                    + String.valueOf(e.getMessage()).lines().findFirst().orElse("") + ")");
        }
        return all;
    }

    private void addEvery(List<String> notMeasured) throws IOException {
        IntByReference count = new IntByReference();
        check(Nvml.nvmlDeviceGetCount_v2(count), "NVML does not count the GPUs");
        for (int i = 0; i < count.getValue(); i++) {
            PointerByReference device = new PointerByReference();
            int result = Nvml.nvmlDeviceGetHandleByIndex_v2(i, device);
            add(device, result, "GPU " + i, notMeasured);
        }
    }

    private void add(String gpu, List<String> notMeasured) {
        PointerByReference device = new PointerByReference();
        int result = gpu.startsWith("GPU-")
                ? Nvml.nvmlDeviceGetHandleByUUID(gpu, device)
                : Nvml.nvmlDeviceGetHandleByPciBusId_v2(gpu, device);
        add(device, result, gpu.startsWith("GPU-") ? gpu : "GPU " + gpu, notMeasured);
    }

    private void add(PointerByReference device, int result, String label, List<String> notMeasured) {
        try {
            check(result, "NVML does not know it");
            Counter counter = new Counter(name(device.getValue(), label), device.getValue());
            counter.microjoules();
            counters.add(counter);
        } catch (IOException e) {
            notMeasured.add(label + ": " + e.getMessage());
        }
    }

    private static String name(Pointer device, String label) {
        byte[] name = new byte[Nvml.TEXT_BYTES];
        byte[] uuid = new byte[Nvml.TEXT_BYTES];
        boolean known = Nvml.nvmlDeviceGetName(device, name, name.length) == Nvml.SUCCESS
                && Nvml.nvmlDeviceGetUUID(device, uuid, uuid.length) == Nvml.SUCCESS;
        if (!known) {
            return label;
        }
        String identifier = Native.toString(uuid);
        return label + " (" + Native.toString(name) + (label.equals(identifier) ? "" : ", " + identifier) + ")";
    }

    private static void check(int result, String what) throws IOException {
        if (result != Nvml.SUCCESS) {
            throw new IOException(what + ": " + Nvml.message(result));
        }
    }

    List<EnergyCounter> counters() {
        return counters;
    }

    @Override
    public void close() {
        if (open.compareAndSet(true, false)) {
            Nvml.nvmlShutdown();
        }
    }

    /** One GPU's counter. */
    private record Counter(String name, Pointer device) implements EnergyCounter {

        @Override
        public EnergySource.Kind kind() {
            return EnergySource.Kind.GPU;
        }

        @Override
        public long rangeMicrojoules() {
            return 0;
        }

        @Override
        public long standsStillNs() {
            return COUNTED_EVERY_NS;
        }

        @Override
        public long microjoules() throws IOException {
            LongByReference millijoules = new LongByReference();
            check(Nvml.nvmlDeviceGetTotalEnergyConsumption(device, millijoules), "its energy cannot be read");
            return millijoules.getValue() * MICRO_PER_MILLI;
        }
    }
}
