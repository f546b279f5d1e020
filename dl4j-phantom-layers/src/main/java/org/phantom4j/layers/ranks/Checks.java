package org.phantom4j.layers.ranks;

import java.util.Arrays;
import java.util.Locale;

/**
 * How often the ranks of a group compare the batches that they train on, and the parameters that each of them has. The system
 * property {@code phantom4j.checks} says it, {@code measured} unless it is set; it must be the same on all ranks.
 */
enum Checks {
    /** Never. */
    OFF,
    /** As often as costs at most a hundredth of the time, see {@link BatchAgreement}. */
    MEASURED,
    /** Before every batch. */
    EVERY;

    static final String PROPERTY = "phantom4j.checks";

    static Checks chosen() {
        String name = System.getProperty(PROPERTY, "measured");
        return Arrays.stream(values())
                .filter(each -> each.name().equals(name.toUpperCase(Locale.ROOT)))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(
                        "system property " + PROPERTY + " is '" + name + "': expected off, measured or every"));
    }
}
