package org.phantom4j.layers.energy;

import java.io.IOException;

/** The energy of one counter since it was first read, put together from its readings. Thread-safe. */
final class RunningTotal {

    /**
     * More than any GPU or CPU package can take, in µJ/s (10 kW): a counter that seems to have run faster was set back, and
     * did not just start at 0 again.
     */
    private static final double LIMIT_MICROWATTS = 1e10;

    private static final double NS_PER_SECOND = 1e9;

    /**
     * The total at one time.
     *
     * @param microjoules since the counter was first read
     * @param gaps how often the count was lost; between two samples it is known if this is the same
     * @param known whether the counter could be read
     */
    record Sample(long microjoules, int gaps, boolean known) {}

    private final EnergyCounter counter;
    private long total;
    private int gaps;
    private boolean known;
    private long last;
    private long lastNs;

    RunningTotal(EnergyCounter counter) {
        this.counter = counter;
    }

    EnergyCounter counter() {
        return counter;
    }

    /** Reads the counter. Counters that start at 0 again must be read more often than they can. */
    synchronized Sample sample(long nowNs) {
        try {
            long now = counter.microjoules();
            if (known) {
                add(now, nowNs);
            }
            known = true;
            last = now;
            lastNs = nowNs;
        } catch (IOException e) {
            if (known) {
                gaps++;
            }
            known = false;
        }
        return new Sample(total, gaps, known);
    }

    private void add(long now, long nowNs) {
        long step = now - last;
        if (step < 0) {
            long range = counter.rangeMicrojoules();
            step = last <= range && now <= range ? step + range : -1;
        }
        double seconds = (nowNs - lastNs) / NS_PER_SECOND;
        // counters move on in steps: two readings close together can have a whole step between them
        if (step < 0 || step > LIMIT_MICROWATTS * (seconds + 1)) {
            gaps++;
        } else {
            total += step;
        }
    }
}
