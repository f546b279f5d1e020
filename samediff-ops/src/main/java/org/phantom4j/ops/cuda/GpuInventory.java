package org.phantom4j.ops.cuda;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.phantom4j.comm.cuda.CudaDevice;
import org.phantom4j.ops.cuda.fatbin.GpuArchitecture;

/** The GPUs of this machine, as {@code nvidia-smi}, which comes with NVIDIA's driver, lists them, or the driver itself. */
public final class GpuInventory {
    private static final long LIMIT_S = 30;
    private static final List<String> COMMAND = List.of(
            "nvidia-smi",
            "--query-gpu=name,compute_cap,driver_version,memory.total,memory.free",
            "--format=csv,noheader,nounits");

    private static final Pattern LINE = Pattern.compile("(.+), (\\d+\\.\\d), ([^,]+), (\\d+|\\[.*]), (\\d+|\\[.*])");

    private GpuInventory() {}

    /**
     * A GPU.
     *
     * @param name         such as "NVIDIA H200"
     * @param architecture its own
     * @param driver       the driver's version, such as "580.159.03"
     * @param totalMiB     its memory; 0 where the driver gives no figure
     * @param freeMiB      what of it no process holds
     */
    public record Gpu(String name, GpuArchitecture architecture, String driver, long totalMiB, long freeMiB) {}

    /**
     * Asks for the GPUs, for at most half a minute.
     *
     * @return none, if there is no driver or no GPU
     */
    public static List<Gpu> query() throws InterruptedException {
        List<Gpu> listed = query(COMMAND);
        // nvidia-smi can be missing, or too old for what it is asked, where the driver answers
        return listed.isEmpty() ? ofDriver() : listed;
    }

    /** What the driver itself shows this process. */
    private static List<Gpu> ofDriver() {
        List<Gpu> gpus = new ArrayList<>();
        int count = CudaDevice.count();
        for (int ordinal = 0; ordinal < count; ordinal++) {
            try (CudaDevice device = CudaDevice.open(ordinal)) {
                int version = CudaDevice.driverVersion();
                gpus.add(new Gpu(
                        device.name(),
                        GpuArchitecture.parse(device.computeCapability() / 10 + "." + device.computeCapability() % 10),
                        "for CUDA " + version / 1000 + "." + version % 1000 / 10,
                        device.totalBytes() >> 20,
                        device.freeBytes() >> 20));
            }
        }
        return gpus;
    }

    static List<Gpu> query(List<String> command) throws InterruptedException {
        Process process;
        try {
            process = new ProcessBuilder(command).redirectErrorStream(true).start();
        } catch (IOException e) {
            // no nvidia-smi: no driver
            return List.of();
        }
        try (BufferedReader reader = process.inputReader(StandardCharsets.UTF_8)) {
            if (!process.waitFor(LIMIT_S, TimeUnit.SECONDS) || process.exitValue() != 0) {
                return List.of();
            }
            return parse(reader.lines().toList());
        } catch (IOException e) {
            return List.of();
        } finally {
            process.destroyForcibly();
        }
    }

    static List<Gpu> parse(List<String> lines) {
        List<Gpu> gpus = new ArrayList<>();
        for (String line : lines) {
            Matcher matcher = LINE.matcher(line);
            if (matcher.matches()) {
                gpus.add(new Gpu(
                        matcher.group(1),
                        GpuArchitecture.parse(matcher.group(2)),
                        matcher.group(3),
                        mebibytes(matcher.group(4)),
                        mebibytes(matcher.group(5))));
            }
        }
        return gpus;
    }

    /** Some GPUs, such as those that share the host's memory, have no figure. */
    private static long mebibytes(String text) {
        return text.startsWith("[") ? 0 : Long.parseLong(text);
    }
}
