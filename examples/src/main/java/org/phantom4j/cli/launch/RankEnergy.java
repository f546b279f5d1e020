package org.phantom4j.cli.launch;

import java.util.List;
import java.util.OptionalDouble;
import org.phantom4j.cli.gpus.DeviceOptions;
import org.phantom4j.comm.Communicator;
import org.phantom4j.comm.cuda.CudaDevice;
import org.phantom4j.layers.energy.EnergyMeter;
import org.phantom4j.layers.energy.EnergyReading;
import org.phantom4j.layers.energy.EnergySource;

/** The energy of all ranks: each measures its own GPU, and rank 0 the processors of its machine. */
public final class RankEnergy implements AutoCloseable {

    private static final double MILLIJOULES = 1e-3;

    private final Communicator group;
    private final EnergyMeter meter;
    private final EnergyReading before;
    private final boolean needsGpu;

    private RankEnergy(Communicator group, EnergyMeter meter, boolean needsGpu) {
        this.group = group;
        this.meter = meter;
        this.needsGpu = needsGpu;
        this.before = meter.read();
    }

    /** Starts to measure. */
    public static RankEnergy start(Communicator group, DeviceOptions device) {
        return new RankEnergy(group, EnergyMeter.open(gpus(device.ordinal(group)), group.rank() == 0), device.cuda());
    }

    private static List<String> gpus(int ordinal) {
        if (ordinal < 0) {
            return List.of();
        }
        try (CudaDevice device = CudaDevice.open(ordinal)) {
            return List.of(device.pciBusId());
        }
    }

    /** Whether {@link #joules} can be known on every rank. */
    public boolean isMeasured() {
        boolean own = needsGpu ? has(EnergySource.Kind.GPU) : group.rank() > 0 || has(EnergySource.Kind.CPU);
        return RankResults.sum(group, own ? 0 : 1) == 0;
    }

    private boolean has(EnergySource.Kind kind) {
        return meter.sources().stream().anyMatch(source -> source.kind() == kind);
    }

    /** Joules since the start; empty if one of the GPUs, or without GPUs the processors, could not be measured. */
    public OptionalDouble joules() {
        var energy = meter.since(before);
        OptionalDouble gpu = needsGpu ? energy.gpuJoules() : OptionalDouble.of(0);
        OptionalDouble cpu = energy.cpuJoules();
        boolean known = gpu.isPresent() && (needsGpu || group.rank() > 0 || cpu.isPresent());
        long own = known ? Math.round((gpu.getAsDouble() + cpu.orElse(0)) / MILLIJOULES) : -1;
        long[] all = RankResults.gather(group, own);
        long sum = 0;
        for (long each : all) {
            if (each < 0) {
                return OptionalDouble.empty();
            }
            sum += each;
        }
        return OptionalDouble.of(sum * MILLIJOULES);
    }

    @Override
    public void close() {
        meter.close();
    }
}
