package org.phantom4j.layers.energy;

import java.io.IOException;

/** A counter of the energy that one part of the machine has taken since some time in the past. */
interface EnergyCounter {

    /** What it measures, for users: "GPU 0000:1B:00.0 (NVIDIA H200)", "CPU package-0". */
    String name();

    EnergySource.Kind kind();

    /**
     * The counter now, in µJ.
     *
     * @throws IOException if it cannot be read; the message says why
     */
    long microjoules() throws IOException;

    /** The largest value, in µJ, after which the counter starts at 0 again; 0 if it does not. */
    long rangeMicrojoules();

    /** How long the counter may stand still though energy is taken, in ns: a difference over less time is not one of that time. */
    long standsStillNs();
}
