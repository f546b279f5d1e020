package org.phantom4j.layers.matrix;

import java.util.Arrays;
import java.util.List;
import java.util.StringJoiner;
import java.util.stream.IntStream;

/** An option of each dimension. Its text has what differs from the defaults, and {@link #parse} reads it. */
final class Case {

    private final int[] options;

    private Case(int[] options) {
        this.options = options;
    }

    static Case of(int[] options) {
        return new Case(options.clone());
    }

    /** Reads {@code kind=output updater=Adam}. */
    static Case parse(String text) {
        int[] options = new int[Dimensions.ALL.size()];
        for (String part : text.trim().split("\\s+", -1)) {
            String[] pair = part.split("=", 2);
            for (int d = 0; d < options.length; d++) {
                if (Dimensions.ALL.get(d).name().equals(pair[0])) {
                    options[d] = Dimensions.ALL.get(d).index(pair[1]);
                }
            }
        }
        return new Case(options);
    }

    /** The index of each dimension's option. */
    int[] options() {
        return options.clone();
    }

    /** A plan with these options. */
    Plan plan() {
        Plan plan = new Plan();
        for (int d = 0; d < options.length; d++) {
            Dimensions.ALL.get(d).options().get(options[d]).change().accept(plan);
        }
        return plan;
    }

    /** The dimensions whose options, other than defaults, a message names. */
    List<Integer> namedBy(String message) {
        return IntStream.range(1, options.length)
                .filter(d -> options[d] != 0)
                .filter(d -> Dimensions.ALL.get(d).options().get(options[d]).isNamedBy(message))
                .boxed()
                .toList();
    }

    /** This case with the default of one dimension. */
    Case without(int dimension) {
        int[] changed = options.clone();
        changed[dimension] = 0;
        return new Case(changed);
    }

    /** The option of a dimension. */
    String option(int dimension) {
        Dimension of = Dimensions.ALL.get(dimension);
        return of.name() + "=" + of.options().get(options[dimension]).name();
    }

    /** Whether an option, as {@link #option} gives it, is this case's. */
    boolean has(String option) {
        return IntStream.range(0, options.length).anyMatch(d -> option(d).equals(option));
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof Case other && Arrays.equals(options, other.options);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(options);
    }

    @Override
    public String toString() {
        StringJoiner text = new StringJoiner(" ");
        for (int d = 0; d < options.length; d++) {
            if (d == 0 || options[d] != 0) {
                text.add(option(d));
            }
        }
        return text.toString();
    }
}
