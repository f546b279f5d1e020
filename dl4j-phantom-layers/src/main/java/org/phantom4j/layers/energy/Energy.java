package org.phantom4j.layers.energy;

import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * The energy taken between two readings of an {@link EnergyMeter}.
 *
 * @param seconds time between them
 * @param parts each source's share, in the meter's order
 */
public record Energy(double seconds, List<Part> parts) {

    /** From here on, all digits before the point are told. */
    private static final double LARGE = 1e4;

    /**
     * One source's energy.
     *
     * @param source what took it
     * @param joules more than 0; empty if its counter could not be read, was set back meanwhile, or cannot tell: it has not moved,
     *     or the time is less than it stands still for (a tenth of a second for GPUs, a thousandth for CPU packages)
     */
    public record Part(EnergySource source, OptionalDouble joules) {}

    /** What every source of the meter took; empty if there is none, or one of them was not measured. */
    public OptionalDouble joules() {
        return sum(part -> true);
    }

    /** What the GPUs took; empty if none is a source, or one of them was not measured. */
    public OptionalDouble gpuJoules() {
        return sum(part -> part.source().kind() == EnergySource.Kind.GPU);
    }

    /** What the CPU packages took; empty if none is a source, or one of them was not measured. */
    public OptionalDouble cpuJoules() {
        return sum(part -> part.source().kind() == EnergySource.Kind.CPU);
    }

    private OptionalDouble sum(Predicate<Part> wanted) {
        List<OptionalDouble> all =
                parts.stream().filter(wanted).map(Part::joules).toList();
        boolean complete = !all.isEmpty() && all.stream().allMatch(OptionalDouble::isPresent);
        return complete
                ? OptionalDouble.of(
                        all.stream().mapToDouble(OptionalDouble::getAsDouble).sum())
                : OptionalDouble.empty();
    }

    /** An energy for users: "12.34 J", or "not measured". Never "0 J": no counter can tell that nothing was taken. */
    public static String text(OptionalDouble joules) {
        if (joules.isEmpty() || joules.getAsDouble() == 0) {
            return "not measured";
        }
        return String.format(Locale.ROOT, joules.getAsDouble() < LARGE ? "%.4g J" : "%.0f J", joules.getAsDouble());
    }

    /** The sum and, of several sources, each one's share. */
    @Override
    public String toString() {
        String shares = parts.stream()
                .map(part -> part.source().name() + ": " + text(part.joules()))
                .collect(Collectors.joining(", "));
        return text(joules()) + (parts.isEmpty() ? "" : " (" + shares + ")");
    }
}
