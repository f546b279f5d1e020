package org.phantom4j.layers.energy;

import java.util.List;

/** The state of a meter's counters at one time. Only differences of two readings mean anything. */
public final class EnergyReading {

    final EnergyMeter meter;
    final long timeNs;
    final List<RunningTotal.Sample> samples;

    EnergyReading(EnergyMeter meter, long timeNs, List<RunningTotal.Sample> samples) {
        this.meter = meter;
        this.timeNs = timeNs;
        this.samples = samples;
    }
}
