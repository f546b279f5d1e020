package org.phantom4j.cli.bench;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.Options;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.cli.frame.Arguments;
import org.phantom4j.cli.frame.Command;
import org.phantom4j.cli.frame.OutputFile;
import org.phantom4j.cli.frame.Report;
import org.phantom4j.cli.frame.UsageException;
import org.phantom4j.cli.gpus.GpuMemory;
import org.phantom4j.cli.launch.CommOptions;
import org.phantom4j.comm.Communicator;
import org.phantom4j.comm.cuda.CudaDevice;
import org.phantom4j.comm.cuda.DeviceGroup;
import org.phantom4j.comm.nccl.NcclDevices;
import org.phantom4j.comm.nccl.NcclGroup;
import org.phantom4j.layers.energy.Energy;
import org.phantom4j.layers.energy.EnergyMeter;
import org.phantom4j.layers.energy.EnergyReading;
import org.phantom4j.layers.gpu.DeviceCeilings;
import org.phantom4j.layers.gpu.StepBenchmark;
import org.phantom4j.layers.gpu.StepBenchmark.Setup;
import org.phantom4j.ops.gpu.Precision;

/** {@code phantom bench step} and {@code bench infer}: compiled steps on GPUs, with time, energy, memory and floor. */
public final class BenchStepCommand implements Command {

    private static final String STEP_CASES = "4096,4,256,64,tf32;16384,2,256,64,fp32;16384,2,256,64,tf32;"
            + "16384,2,256,64,bf16;16384,2,2048,64,tf32;32768,2,256,64,tf32;65536,2,256,64,tf32";
    private static final String INFER_CASES =
            "16384,4,1,64,tf32;16384,4,32,64,tf32;16384,4,256,64,tf32;16384,4,2048,64,tf32";
    private static final int FIELDS = 5;
    private static final int DEFAULT_TIMEOUT_S = 120;
    private static final int DEFAULT_SECONDS = 3;
    private static final int ROUNDS = 15;
    private static final int HOST_STEPS = 100;
    private static final int MOST_LATENCIES = 1000;

    private final boolean training;

    public BenchStepCommand(boolean training) {
        this.training = training;
    }

    @Override
    public String name() {
        return training ? "bench step" : "bench infer";
    }

    @Override
    public String summary() {
        return training
                ? "Times compiled training steps on GPUs: phantom and tensor, with energy and floor."
                : "Times compiled inference on GPUs: latency and energy of a batch.";
    }

    @Override
    public Options options() {
        Options options = new Options();
        Arguments.option(options, "device", "NAME", "cuda (default)");
        Arguments.option(
                options, "cases", "LIST", "WIDTH,LAYERS,BATCH,PHANTOM WIDTH,PRECISION[,SHARDS]; several with ;");
        Arguments.option(options, "models", "NAMES", "phantom,tensor (default)");
        Arguments.option(options, "ranks", "N", "GPUs (default: all)");
        Arguments.option(options, "shards", "P", "shards of the model (default: the ranks, but 2 at least)");
        Arguments.option(options, "seconds", "S", "seconds of each measurement (default 3)");
        Arguments.option(options, "timeout", "SECONDS", "the longest wait of a rank for others (default 120)");
        Arguments.option(options, "json", "FILE", "write the results as JSON");
        return options;
    }

    @Override
    public int run(CommandLine line) throws Exception {
        Arguments arguments = new Arguments(line);
        if (!arguments.text("device", "cuda").equals("cuda")) {
            throw new UsageException("--device " + arguments.text("device", "") + ": expected cuda");
        }
        int devices = CudaDevice.count();
        if (devices == 0) {
            throw new IllegalStateException(
                    "there is no CUDA device here: " + CudaDevice.obstacle().orElse("the driver lists none")
                            + "; phantom doctor says what this machine has");
        }
        CommOptions comm = CommOptions.of("nccl", arguments);
        int ranks = comm.ranks(arguments, devices);
        int shards = arguments.positive("shards", Math.max(2, ranks));
        if (shards % ranks != 0) {
            throw new UsageException("--shards " + shards + " is not a multiple of --ranks " + ranks);
        }
        double seconds = arguments.positiveDecimal("seconds", DEFAULT_SECONDS);
        Duration timeout = Duration.ofSeconds(arguments.positive("timeout", DEFAULT_TIMEOUT_S));
        Path json = arguments.has("json") ? OutputFile.writable("json", arguments.text("json", null)) : null;
        List<Setup> setups = setups(arguments, shards, ranks);
        if (ranks > 1 && comm.launches()) {
            return comm.launch(this, arguments, ranks, Map.of());
        }
        List<Map<String, Object>> rows = ranks == 1
                ? measure(setups, DeviceGroup.single(), 0, null, seconds)
                : comm.backend()
                        .run(
                                ranks,
                                timeout,
                                "bench",
                                group -> measure(setups, NcclDevices.of(group), device(group), group, seconds))
                        .get(0);
        // rank 0's process has them
        if (json != null && !rows.isEmpty()) {
            Map<String, Object> results = new LinkedHashMap<>();
            results.put("results", rows);
            Report.write(json, results);
        }
        return Command.OK;
    }

    private static int device(Communicator group) {
        return NcclGroup.of(group).device().ordinal();
    }

    private List<Setup> setups(Arguments arguments, int shards, int ranks) {
        List<Setup> setups = new ArrayList<>();
        for (String text :
                arguments.text("cases", training ? STEP_CASES : INFER_CASES).split(";", -1)) {
            String[] fields = text.trim().split(",", -1);
            if (fields.length != FIELDS && fields.length != FIELDS + 1) {
                throw new UsageException("--cases " + text
                        + ": expected WIDTH,LAYERS,BATCH,PHANTOM WIDTH,PRECISION or those and SHARDS");
            }
            for (String model : arguments.text("models", "phantom,tensor").split(",", -1)) {
                if (!model.equals("phantom") && !model.equals("tensor")) {
                    throw new UsageException("--models " + model + ": expected phantom or tensor");
                }
                try {
                    setups.add(new Setup(
                            model.equals("phantom"),
                            Long.parseLong(fields[0]),
                            Integer.parseInt(fields[1]),
                            shards(fields, shards, ranks),
                            Long.parseLong(fields[3]),
                            Long.parseLong(fields[2]),
                            Precision.valueOf(fields[4].toUpperCase(Locale.ROOT)),
                            training));
                } catch (IllegalArgumentException e) {
                    throw new UsageException("--cases " + text + ": " + e.getMessage(), e);
                }
            }
        }
        return setups;
    }

    private static int shards(String[] fields, int all, int ranks) {
        int shards = fields.length == FIELDS ? all : Integer.parseInt(fields[FIELDS]);
        if (shards < 1 || shards % ranks != 0) {
            throw new IllegalArgumentException(shards + " shards are not a multiple of " + ranks + " ranks");
        }
        return shards;
    }

    /** Measures all cases; prints on rank 0. */
    private List<Map<String, Object>> measure(
            List<Setup> setups, DeviceGroup group, int device, Communicator communicator, double seconds) {
        List<Map<String, Object>> rows = new ArrayList<>();
        Map<Precision, DeviceCeilings> ceilings = new LinkedHashMap<>();
        boolean prints = group.rank() == 0;
        try (EnergyMeter meter = prints ? EnergyMeter.open(busIds(group.size()), false) : null) {
            for (Setup setup : setups) {
                if (prints && !ceilings.containsKey(setup.precision())) {
                    DeviceCeilings measured = DeviceCeilings.measure(device, setup.precision());
                    ceilings.put(setup.precision(), measured);
                    System.out.printf(
                            "%s: products %.0f TFLOP/s, copies %.2f TB/s%n",
                            Arguments.lower(setup.precision()),
                            measured.flops() / 1e12,
                            measured.bytesPerSecond() / 1e12);
                }
                Map<String, Object> row = measure(setup, group, device, communicator, meter, seconds);
                if (prints) {
                    row.put("floorMs", ceilings.get(setup.precision()).floorMs(setup, group.size()));
                    print(row);
                    rows.add(row);
                }
            }
        }
        return rows;
    }

    private static List<String> busIds(int ranks) {
        List<String> ids = new ArrayList<>();
        for (int i = 0; i < ranks; i++) {
            try (CudaDevice device = CudaDevice.open(i)) {
                ids.add(device.pciBusId());
            }
        }
        return ids;
    }

    private Map<String, Object> measure(
            Setup setup, DeviceGroup group, int device, Communicator communicator, EnergyMeter meter, double seconds) {
        try (GpuMemory memory = GpuMemory.open(device)) {
            Map<String, Object> row = measure(setup, group, device, communicator, meter, seconds, memory);
            GpuMemory.Use use = memory.use();
            row.put("gpuBytesMeasured", use.peakBytes());
            row.put("gpuBytesBeside", use.restBytes());
            return row;
        }
    }

    private Map<String, Object> measure(
            Setup setup,
            DeviceGroup group,
            int device,
            Communicator communicator,
            EnergyMeter meter,
            double seconds,
            GpuMemory memory) {
        try (StepBenchmark benchmark = new StepBenchmark(setup, device, group)) {
            barrier(communicator);
            benchmark.warmUp();
            double once = benchmark.millisecondsPerStep(5);
            // all ranks must make the same number of steps
            int each = (int) agree(communicator, Math.max(1, Math.min(2000, seconds * 1000 / once / ROUNDS)));
            int latencyCount = (int) agree(communicator, Math.max(20, Math.min(MOST_LATENCIES, 500 / once)));
            barrier(communicator);
            EnergyReading before = meter == null ? null : meter.read();
            double[] ms = new double[ROUNDS];
            for (int round = 0; round < ROUNDS; round++) {
                ms[round] = benchmark.millisecondsPerStep(each);
            }
            OptionalDouble joules =
                    meter == null ? OptionalDouble.empty() : meter.since(before).gpuJoules();
            StepBenchmark.HostOverhead host = benchmark.hostOverhead(HOST_STEPS);
            double[] latencies = training ? new double[0] : benchmark.latencies(latencyCount);
            barrier(communicator);
            memory.sample();
            Arrays.sort(ms);
            Arrays.sort(latencies);
            Map<String, Object> row = new LinkedHashMap<>();
            row.put("model", setup.phantom() ? "phantom" : "tensor");
            row.put("width", setup.width());
            row.put("layers", setup.layers());
            row.put("batch", setup.batch());
            row.put("phantomWidth", setup.phantomWidth());
            row.put("shards", setup.shards());
            row.put("ranks", group.size());
            row.put("precision", Arguments.lower(setup.precision()));
            row.put("msMedian", ms[ROUNDS / 2]);
            row.put("msLeast", ms[0]);
            row.put("msMost", ms[ROUNDS - 1]);
            row.put("joules", joules.isPresent() ? joules.getAsDouble() / ROUNDS / each : null);
            if (!training) {
                row.put("latencyP50", latencies[latencies.length / 2]);
                row.put("latencyP99", latencies[(int) (latencies.length * 0.99)]);
            }
            row.put("hostStartMs", host.startMs());
            row.put("idleShare", host.idleShare());
            row.put("gpuBytesComputed", benchmark.memoryNeed().total());
            row.put("nodes", benchmark.nodes());
            return row;
        }
    }

    private static void barrier(Communicator communicator) {
        if (communicator != null) {
            communicator.barrier();
        }
    }

    /** The number of rank 0. */
    private static double agree(Communicator communicator, double value) {
        if (communicator == null) {
            return value;
        }
        INDArray shared = Nd4j.createFromArray(value);
        communicator.broadcast(shared, 0);
        return shared.getDouble(0);
    }

    private static void print(Map<String, Object> row) {
        System.out.printf(
                "%-7s %6d × %d, batch %4d, k %d, %d shards, %-4s: %9.4f ms (%.4f to %.4f), %s, %,d MiB (%.3f of computed), %d nodes, host %.4f ms, idle %.1f %%, floor %.4f ms (%.0f %%)%s%n",
                row.get("model"),
                (Long) row.get("width"),
                (Integer) row.get("layers"),
                (Long) row.get("batch"),
                (Long) row.get("phantomWidth"),
                (Integer) row.get("shards"),
                row.get("precision"),
                (Double) row.get("msMedian"),
                (Double) row.get("msLeast"),
                (Double) row.get("msMost"),
                Energy.text(
                        row.get("joules") instanceof Double joules
                                ? OptionalDouble.of(joules)
                                : OptionalDouble.empty()),
                (Long) row.get("gpuBytesMeasured") >> 20,
                (double) (Long) row.get("gpuBytesMeasured") / (Long) row.get("gpuBytesComputed"),
                (Long) row.get("nodes"),
                (Double) row.get("hostStartMs"),
                100 * (Double) row.get("idleShare"),
                (Double) row.get("floorMs"),
                100 * (Double) row.get("floorMs") / (Double) row.get("msMedian"),
                row.containsKey("latencyP50")
                        ? String.format(
                                ", latency p50 %.4f p99 %.4f ms",
                                (Double) row.get("latencyP50"), (Double) row.get("latencyP99"))
                        : "");
    }
}
