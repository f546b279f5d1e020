package org.phantom4j.layers.energy;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.OptionalDouble;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Measures the energy that GPUs and CPU packages take: NVML's total-energy counters, and RAPL's where Linux has them and
 * they may be read (mostly by root only). The counters count what the whole GPU or socket takes, whoever uses it.
 *
 * <pre>{@code
 * try (EnergyMeter meter = EnergyMeter.open()) {
 *     EnergyReading before = meter.read();
 *     train();
 *     System.out.println(meter.since(before).gpuJoules());
 * }
 * }</pre>
 *
 * <p>GPUs update their counters some ten times a second: measure at least a second, and wait for the GPU to finish before
 * each reading. What is taken in less time than the counters can tell is not measured; it is never 0. Of several processes on a machine, one should measure the CPU packages, and each its own GPUs.
 *
 * <p>RAPL's counters start at 0 again after some 65 to 260 kJ; a thread of the meter reads them often enough to notice.
 *
 * <p>Thread-safe. Close it when it is no longer used.
 */
public final class EnergyMeter implements AutoCloseable {

    /** A quarter of the time in which the smallest range (65 kJ) is used up at a kilowatt. */
    private static final long SAMPLE_SECONDS = 16;

    private static final double NS_PER_SECOND = 1e9;
    private static final double MICROJOULES = 1e-6;

    private final List<RunningTotal> totals;
    private final List<String> notMeasured;
    private final LongSupplier clockNs;
    private final Runnable release;
    private final ScheduledExecutorService sampler;

    EnergyMeter(List<EnergyCounter> counters, List<String> notMeasured, LongSupplier clockNs, Runnable release) {
        this.totals = counters.stream().map(RunningTotal::new).toList();
        this.notMeasured = List.copyOf(notMeasured);
        this.clockNs = clockNs;
        this.release = release;
        boolean wraps = counters.stream().anyMatch(counter -> counter.rangeMicrojoules() > 0);
        this.sampler = wraps ? Executors.newSingleThreadScheduledExecutor(EnergyMeter::daemon) : null;
        if (sampler != null) {
            ScheduledFuture<?> unused =
                    sampler.scheduleWithFixedDelay(this::sampleAll, SAMPLE_SECONDS, SAMPLE_SECONDS, TimeUnit.SECONDS);
        }
    }

    private static Thread daemon(Runnable body) {
        Thread thread = new Thread(body, "energy-meter");
        thread.setDaemon(true);
        return thread;
    }

    /** A meter of every GPU and CPU package of this machine. */
    public static EnergyMeter open() {
        return openCounters(null, true);
    }

    /**
     * A meter of some GPUs.
     *
     * @param gpus PCI bus ids as CUDA's driver gives them ("0000:1B:00.0") or UUIDs ("GPU-…"), which mean the same GPU
     *     whatever CUDA_VISIBLE_DEVICES says; none for CPU packages alone
     * @param cpus whether the CPU packages are measured, too
     */
    public static EnergyMeter open(Collection<String> gpus, boolean cpus) {
        return openCounters(List.copyOf(gpus), cpus);
    }

    private static EnergyMeter openCounters(Collection<String> gpus, boolean cpus) {
        List<String> notMeasured = new ArrayList<>();
        List<EnergyCounter> counters = new ArrayList<>();
        Runnable release = () -> {};
        if (gpus == null || !gpus.isEmpty()) {
            NvmlGpus nvml = NvmlGpus.open(gpus, notMeasured);
            counters.addAll(nvml.counters());
            release = nvml::close;
        }
        if (cpus) {
            counters.addAll(RaplPackages.find(RaplPackages.POWERCAP, notMeasured));
        }
        return new EnergyMeter(counters, notMeasured, System::nanoTime, release);
    }

    /** What is measured: GPUs, then CPU packages. */
    public List<EnergySource> sources() {
        return totals.stream()
                .map(RunningTotal::counter)
                .map(counter -> new EnergySource(counter.name(), counter.kind()))
                .toList();
    }

    /** What is not, and why: a line each, for users. */
    public List<String> notMeasured() {
        return notMeasured;
    }

    /** The counters now. Takes some 10 to 100 µs a source. */
    public EnergyReading read() {
        List<RunningTotal.Sample> samples = sampleAll();
        return new EnergyReading(this, clockNs.getAsLong(), samples);
    }

    private List<RunningTotal.Sample> sampleAll() {
        return totals.stream().map(total -> total.sample(clockNs.getAsLong())).toList();
    }

    /** The energy since a reading of this meter. */
    public Energy since(EnergyReading before) {
        return between(before, read());
    }

    /**
     * The energy between two readings of this meter.
     *
     * @throws IllegalArgumentException if one is another meter's
     */
    public Energy between(EnergyReading before, EnergyReading after) {
        if (before.meter != this || after.meter != this) {
            throw new IllegalArgumentException("the readings are of another meter: their counters differ");
        }
        long elapsedNs = after.timeNs - before.timeNs;
        List<Energy.Part> parts = new ArrayList<>();
        for (int i = 0; i < totals.size(); i++) {
            parts.add(new Energy.Part(
                    sources().get(i),
                    joules(totals.get(i).counter(), before.samples.get(i), after.samples.get(i), elapsedNs)));
        }
        return new Energy(elapsedNs / NS_PER_SECOND, List.copyOf(parts));
    }

    private static OptionalDouble joules(
            EnergyCounter counter, RunningTotal.Sample from, RunningTotal.Sample to, long elapsedNs) {
        boolean known = from.known() && to.known() && from.gaps() == to.gaps();
        long taken = to.microjoules() - from.microjoules();
        return known && taken > 0 && elapsedNs >= counter.standsStillNs()
                ? OptionalDouble.of(taken * MICROJOULES)
                : OptionalDouble.empty();
    }

    /** Ends the measurement and lets go of NVML. Idempotent; the meter cannot be read afterwards. */
    @Override
    public void close() {
        if (sampler != null) {
            sampler.shutdownNow();
        }
        release.run();
    }
}
