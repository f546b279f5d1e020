package org.phantom4j.layers.energy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.OptionalDouble;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class EnergyMeterTest {

    private final AtomicLong nowNs = new AtomicLong();

    private EnergyMeter meter(EnergyCounter... counters) {
        return new EnergyMeter(List.of(counters), List.of(), () -> nowNs.addAndGet(1_000_000), () -> {});
    }

    @Test
    void sourcesAreSummedByKind() {
        try (EnergyMeter meter = meter(
                new FakeCounter(EnergySource.Kind.GPU, 0, 1_000_000L, 3_500_000L),
                new FakeCounter(EnergySource.Kind.GPU, 0, 9_000_000L, 9_500_000L),
                new FakeCounter(EnergySource.Kind.CPU, 1_000_000_000L, 0L, 250_000L))) {
            Energy energy = meter.since(meter.read());
            assertEquals(3.0, energy.gpuJoules().orElseThrow(), 1e-9);
            assertEquals(0.25, energy.cpuJoules().orElseThrow(), 1e-9);
            assertEquals(3.25, energy.joules().orElseThrow(), 1e-9);
            assertEquals("3.250 J (fake GPU: 2.500 J, fake GPU: 0.5000 J, fake CPU: 0.2500 J)", energy.toString());
            assertEquals(
                    List.of("fake GPU", "fake GPU", "fake CPU"),
                    meter.sources().stream().map(EnergySource::name).toList());
        }
    }

    @Test
    void aSumWithAPartThatIsNotMeasuredIsNotMeasured() {
        try (EnergyMeter meter = meter(
                new FakeCounter(EnergySource.Kind.GPU, 0, 1_000_000L, 3_500_000L),
                new FakeCounter(EnergySource.Kind.CPU, 0, 1L, -1L))) {
            Energy energy = meter.since(meter.read());
            assertEquals(2.5, energy.gpuJoules().orElseThrow(), 1e-9);
            assertTrue(energy.cpuJoules().isEmpty());
            assertTrue(energy.joules().isEmpty());
        }
    }

    /** A counter that moves a hundred times a second, asked after 5 and 15 ms. */
    @Test
    void whatIsTakenInLessTimeThanTheCounterTellsIsNotMeasured() {
        long tickNs = 10_000_000;
        try (EnergyMeter meter =
                meter(new FakeCounter(tickNs, EnergySource.Kind.GPU, 0, 1_000_000L, 1_700_000L, 2_400_000L))) {
            EnergyReading before = meter.read();
            nowNs.addAndGet(3_000_000);
            Energy shorter = meter.since(before);
            assertTrue(shorter.joules().isEmpty(), "a whole tick's energy, in half of its time: " + shorter);
            nowNs.addAndGet(8_000_000);
            assertEquals(1.4, meter.since(before).joules().orElseThrow(), 1e-9);
        }
    }

    @Test
    void aCounterThatHasNotMovedHasNotMeasuredNothing() {
        try (EnergyMeter meter = meter(
                new FakeCounter(EnergySource.Kind.GPU, 0, 1_000_000L, 1_000_000L),
                new FakeCounter(EnergySource.Kind.CPU, 0, 1L, 1_000_001L))) {
            Energy energy = meter.since(meter.read());
            assertTrue(energy.gpuJoules().isEmpty());
            assertTrue(energy.joules().isEmpty());
            assertEquals("not measured (fake GPU: not measured, fake CPU: 1.000 J)", energy.toString());
        }
    }

    @Test
    void energiesAreTextsOfFourDigitsAndNeverZero() {
        assertEquals("not measured", Energy.text(OptionalDouble.empty()));
        assertEquals("not measured", Energy.text(OptionalDouble.of(0)));
        assertEquals("0.001000 J", Energy.text(OptionalDouble.of(1e-3)));
        assertEquals("1.000e-06 J", Energy.text(OptionalDouble.of(1e-6)));
        assertEquals("12.34 J", Energy.text(OptionalDouble.of(12.341)));
        assertEquals("9876 J", Energy.text(OptionalDouble.of(9876.4)));
        assertEquals("123457 J", Energy.text(OptionalDouble.of(123456.7)));
    }

    @Test
    void aGpuCounterThatGoesBackIsNotMeasured() {
        // as when the driver is loaded anew
        try (EnergyMeter meter = meter(new FakeCounter(EnergySource.Kind.GPU, 0, 5_000_000L, 10L, 30L))) {
            EnergyReading before = meter.read();
            EnergyReading after = meter.read();
            assertTrue(meter.between(before, after).joules().isEmpty());
            assertEquals(20e-6, meter.since(after).joules().orElseThrow(), 1e-12);
        }
    }

    @Test
    void thisMachinesPartsAreEitherMeasuredOrNamed() {
        try (EnergyMeter meter = EnergyMeter.open()) {
            for (EnergySource.Kind kind : EnergySource.Kind.values()) {
                boolean measured = meter.sources().stream().anyMatch(source -> source.kind() == kind);
                boolean named = meter.notMeasured().stream().anyMatch(line -> line.startsWith(kind.name()));
                assertTrue(measured || named, kind + ": " + meter.sources() + meter.notMeasured());
            }
            Energy energy = meter.since(meter.read());
            assertEquals(meter.sources().size(), energy.parts().size());
            assertFalse(energy.joules().isPresent() && meter.sources().isEmpty(), energy.toString());
        }
    }

    @Test
    void aGpuThatIsNotThereIsNamed() {
        try (EnergyMeter meter = EnergyMeter.open(List.of("GPU-00000000-0000-0000-0000-000000000000"), false)) {
            assertEquals(List.of(), meter.sources());
            assertEquals(1, meter.notMeasured().size());
            assertTrue(
                    meter.notMeasured().get(0).startsWith("GPU"),
                    meter.notMeasured().get(0));
        }
    }

    @Test
    void nvmlIsReleasedWithTheMeter() {
        AtomicInteger released = new AtomicInteger();
        new EnergyMeter(List.of(), List.of(), System::nanoTime, released::incrementAndGet).close();
        assertEquals(1, released.get());
    }
}
