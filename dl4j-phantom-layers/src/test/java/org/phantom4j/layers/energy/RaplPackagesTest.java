package org.phantom4j.layers.energy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** RAPL over folders like Linux's own. */
class RaplPackagesTest {

    private static final long RANGE = 262_143_328_850L;

    @TempDir
    Path powercap;

    private final List<String> notMeasured = new ArrayList<>();

    private Path zone(String folder, String name, long microjoules) throws IOException {
        Path zone = Files.createDirectories(powercap.resolve(folder));
        Files.writeString(zone.resolve("name"), name + "\n");
        Files.writeString(zone.resolve("max_energy_range_uj"), RANGE + "\n");
        return count(zone, microjoules);
    }

    private static Path count(Path zone, long microjoules) throws IOException {
        Files.writeString(zone.resolve("energy_uj"), microjoules + "\n");
        return zone;
    }

    @Test
    void packagesAreFoundAndNothingElse() throws Exception {
        zone("intel-rapl:1", "package-1", 7);
        zone("intel-rapl:0", "package-0", 5);
        zone("intel-rapl:0:0", "core", 5);
        zone("intel-rapl:0:1", "dram", 5);
        zone("intel-rapl:2", "psys", 5);
        zone("intel-rapl-mmio:0", "package-0", 5);
        List<EnergyCounter> counters = RaplPackages.find(powercap, notMeasured);
        assertEquals(
                List.of("CPU package-0", "CPU package-1"),
                counters.stream().map(EnergyCounter::name).toList());
        assertEquals(7, counters.get(1).microjoules());
        assertEquals(RANGE, counters.get(1).rangeMicrojoules());
        assertEquals(List.of(), notMeasured);
    }

    @Test
    void aCounterThatStartsAtZeroAgainGoesOn() throws Exception {
        Path zone = zone("intel-rapl:0", "package-0", RANGE - 2_000_000);
        AtomicLong nowNs = new AtomicLong();
        try (EnergyMeter meter =
                new EnergyMeter(RaplPackages.find(powercap, notMeasured), notMeasured, nowNs::get, () -> {})) {
            EnergyReading before = meter.read();
            count(zone, 3_000_000);
            nowNs.addAndGet(1_000_000_000L);
            Energy energy = meter.since(before);
            assertEquals(5.0, energy.joules().orElseThrow(), 1e-9);
            assertEquals(5.0, energy.cpuJoules().orElseThrow(), 1e-9);
            assertTrue(energy.gpuJoules().isEmpty());
            assertEquals(1.0, energy.seconds(), 1e-9);
            EnergyReading middle = meter.read();
            count(zone, 3_500_000);
            nowNs.addAndGet(1_000_000L);
            assertEquals(0.5, meter.since(middle).joules().orElseThrow(), 1e-9);
            assertEquals(5.5, meter.since(before).joules().orElseThrow(), 1e-9);
        }
    }

    @Test
    void aCounterThatWasSetBackIsNotMeasured() throws Exception {
        Path zone = zone("intel-rapl:0", "package-0", 5_000_000);
        AtomicLong nowNs = new AtomicLong();
        try (EnergyMeter meter =
                new EnergyMeter(RaplPackages.find(powercap, notMeasured), notMeasured, nowNs::get, () -> {})) {
            EnergyReading before = meter.read();
            // 262 kJ in a second, were it a new start at 0
            count(zone, 1_000_000);
            nowNs.addAndGet(1_000_000_000L);
            EnergyReading after = meter.read();
            assertTrue(meter.between(before, after).joules().isEmpty());
            assertEquals(
                    "not measured (CPU package-0: not measured)",
                    meter.between(before, after).toString());
            count(zone, 2_000_000);
            nowNs.addAndGet(1_000_000L);
            assertEquals(1.0, meter.since(after).joules().orElseThrow(), 1e-9);
        }
    }

    @Test
    void aCounterThatCannotBeReadAnyMoreIsNotMeasured() throws Exception {
        Path zone = zone("intel-rapl:0", "package-0", 5_000_000);
        AtomicLong nowNs = new AtomicLong();
        try (EnergyMeter meter = new EnergyMeter(
                RaplPackages.find(powercap, notMeasured), notMeasured, () -> nowNs.addAndGet(1_000_000L), () -> {})) {
            EnergyReading before = meter.read();
            Files.delete(zone.resolve("energy_uj"));
            EnergyReading blind = meter.read();
            assertTrue(meter.between(before, blind).joules().isEmpty());
            count(zone, 6_000_000);
            EnergyReading after = meter.read();
            assertTrue(meter.between(before, after).joules().isEmpty(), "what happened meanwhile is not known");
            assertTrue(meter.between(blind, after).joules().isEmpty());
            count(zone, 6_250_000);
            assertEquals(0.25, meter.since(after).joules().orElseThrow(), 1e-9);
        }
    }

    @Test
    void whatIsMissingOrUnreadableIsNamed() throws Exception {
        Files.delete(zone("intel-rapl:0", "package-0", 5).resolve("energy_uj"));
        // what nobody can read, root included
        Path second = zone("intel-rapl:1", "package-1", 5).resolve("energy_uj");
        Files.delete(second);
        Files.createDirectory(second);
        Files.writeString(zone("intel-rapl:2", "package-2", 5).resolve("energy_uj"), "many\n");
        assertEquals(List.of(), RaplPackages.find(powercap, notMeasured));
        assertEquals(3, notMeasured.size(), notMeasured.toString());
        assertTrue(notMeasured.get(0).endsWith("energy_uj is missing"), notMeasured.get(0));
        assertTrue(notMeasured.get(1).contains("cannot be read"), notMeasured.get(1));
        assertTrue(notMeasured.get(2).contains("'many', which is no number"), notMeasured.get(2));
    }

    @Test
    void aMachineWithoutRaplIsNotMeasured() throws Exception {
        Path nowhere = powercap.resolve("nowhere");
        assertEquals(List.of(), RaplPackages.find(nowhere, notMeasured));
        assertEquals(List.of("CPU: no RAPL counters of CPU packages in " + nowhere), notMeasured);
        try (EnergyMeter meter = new EnergyMeter(List.of(), notMeasured, System::nanoTime, () -> {})) {
            Energy energy = meter.since(meter.read());
            assertTrue(energy.joules().isEmpty());
            assertEquals("not measured", energy.toString());
            assertEquals(List.of(), meter.sources());
            assertEquals(notMeasured, meter.notMeasured());
        }
    }

    @Test
    void readingsOfTwoMetersAreNotCompared() {
        try (EnergyMeter one = new EnergyMeter(List.of(), List.of(), System::nanoTime, () -> {});
                EnergyMeter other = new EnergyMeter(List.of(), List.of(), System::nanoTime, () -> {})) {
            assertThrows(IllegalArgumentException.class, () -> one.since(other.read()));
        }
    }
}
