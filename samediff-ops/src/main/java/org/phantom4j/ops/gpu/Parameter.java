package org.phantom4j.ops.gpu;

/**
 * Parameters on the device.
 *
 * @param address where they lie, as products read them
 * @param lower where their lower halves lie, in a precision that splits them; else 0
 * @param gradient where their gradient goes, as reals; 0 if it is taken as a step at once
 * @param length how many
 * @param place the first one's number among the rank's parameters: what random rounding depends on, so that no two round alike
 */
public record Parameter(long address, long lower, long gradient, long length, long place) {

    /** All of a rank's. */
    public Parameter(long address, long lower, long gradient, long length) {
        this(address, lower, gradient, length, 0);
    }

    /** Some of them, from the {@code first} on. */
    public Parameter part(long first, long count, Precision precision) {
        return new Parameter(
                address + first * precision.factorBytes(),
                lower == 0 ? 0 : lower + first * precision.lowerBytes(),
                gradient == 0 ? 0 : gradient + first * precision.resultBytes(),
                count,
                place + first);
    }

    /** The same, with their gradient elsewhere. */
    public Parameter withGradient(long elsewhere) {
        return new Parameter(address, lower, elsewhere, length, place);
    }
}
