package org.phantom4j.layers.energy;

/**
 * A part of the machine whose energy is measured.
 *
 * @param name such as "GPU 0000:1B:00.0 (NVIDIA H200)" or "CPU package-0"
 * @param kind what it is
 */
public record EnergySource(String name, Kind kind) {

    /** Kinds of parts. */
    public enum Kind {
        /** A GPU with its memory, whatever process uses it. */
        GPU,
        /** All cores and caches of one CPU socket, whatever process uses them; main memory is not in it. */
        CPU
    }
}
