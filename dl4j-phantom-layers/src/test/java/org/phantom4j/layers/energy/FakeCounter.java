package org.phantom4j.layers.energy;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

/** A counter that gives these values one after another, the last one for ever; negative ones cannot be read. */
final class FakeCounter implements EnergyCounter {

    private final EnergySource.Kind kind;
    private final long range;
    private final long standsStillNs;
    private final Deque<Long> values;

    FakeCounter(EnergySource.Kind kind, long range, Long... values) {
        this(0, kind, range, values);
    }

    FakeCounter(long standsStillNs, EnergySource.Kind kind, long range, Long... values) {
        this.standsStillNs = standsStillNs;
        this.kind = kind;
        this.range = range;
        this.values = new ArrayDeque<>(List.of(values));
    }

    @Override
    public String name() {
        return "fake " + kind;
    }

    @Override
    public EnergySource.Kind kind() {
        return kind;
    }

    @Override
    public long microjoules() throws IOException {
        long value = values.size() > 1 ? values.removeFirst() : values.getFirst();
        if (value < 0) {
            throw new IOException("unreadable");
        }
        return value;
    }

    @Override
    public long rangeMicrojoules() {
        return range;
    }

    @Override
    public long standsStillNs() {
        return standsStillNs;
    }
}
