package org.phantom4j.layers.gpu;

import com.sun.jna.NativeLibrary;
import org.phantom4j.comm.cuda.DeviceGroup;
import org.phantom4j.ops.gpu.Precision;

/**
 * Times steps on one device: arguments WIDTH,LAYERS,BATCH,K,PRECISION,SHARDS,MODEL, and ,infer for forward alone. With
 * -Dprofile=true one step more for a profiler that waits for it: {@code ncu --profile-from-start off}.
 */
public final class StepBenchMain {
    private StepBenchMain() {}

    public static void main(String[] args) {
        for (String arg : args) {
            String[] f = arg.split(",", -1);
            StepBenchmark.Setup setup = new StepBenchmark.Setup(
                    f[6].equals("phantom"),
                    Long.parseLong(f[0]),
                    Integer.parseInt(f[1]),
                    Integer.parseInt(f[5]),
                    Long.parseLong(f[3]),
                    Long.parseLong(f[2]),
                    Precision.valueOf(f[4].toUpperCase(java.util.Locale.ROOT)),
                    f.length < 8);
            long began = System.nanoTime();
            try (StepBenchmark benchmark = new StepBenchmark(setup, 0, DeviceGroup.single())) {
                long built = System.nanoTime();
                benchmark.warmUp();
                double[] ms = new double[5];
                for (int i = 0; i < 5; i++) {
                    ms[i] = benchmark.millisecondsPerStep(20);
                }
                java.util.Arrays.sort(ms);
                System.out.printf(
                        "%s: %.4f ms (%.4f..%.4f), %d nodes, %d MiB, loss %g, built in %.1f s%n",
                        arg,
                        ms[2],
                        ms[0],
                        ms[4],
                        benchmark.nodes(),
                        benchmark.deviceBytes() >> 20,
                        benchmark.loss(),
                        (built - began) / 1e9);
                if (Boolean.getBoolean("profile")) {
                    NativeLibrary driver = NativeLibrary.getInstance("libcuda.so.1");
                    driver.getFunction("cuProfilerStart").invokeInt(new Object[0]);
                    benchmark.millisecondsPerStep(1);
                    driver.getFunction("cuProfilerStop").invokeInt(new Object[0]);
                }
            }
        }
    }
}
