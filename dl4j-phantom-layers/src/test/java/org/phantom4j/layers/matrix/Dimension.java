package org.phantom4j.layers.matrix;

import java.util.List;

/** What a configuration or its data may be set to. The first option is the default. */
record Dimension(String name, List<Option> options) {

    static Dimension of(String name, Option... options) {
        return new Dimension(name, List.of(options));
    }

    int index(String option) {
        for (int i = 0; i < options.size(); i++) {
            if (options.get(i).name().equals(option)) {
                return i;
            }
        }
        throw new IllegalArgumentException("no option '" + option + "' of '" + name + "': "
                + options.stream().map(Option::name).toList());
    }
}
