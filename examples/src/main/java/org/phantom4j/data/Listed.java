package org.phantom4j.data;

import java.util.List;

/** Lists in messages: short, whatever their length. */
final class Listed {

    private static final int SHOWN = 8;

    private Listed() {}

    /** All of a few; the first and the last of many. */
    static String of(List<String> values) {
        if (values.size() <= SHOWN) {
            return String.join(", ", values);
        }
        return String.join(", ", values.subList(0, SHOWN - 2)) + ", … " + values.get(values.size() - 1) + " ("
                + values.size() + ")";
    }
}
