package org.phantom4j.layers.matrix;

import java.util.List;
import java.util.function.Consumer;
import java.util.regex.Pattern;

/**
 * One value of a dimension.
 *
 * @param words any of which the message has that refuses the option, as a word or as words
 */
record Option(String name, Consumer<Plan> change, List<String> words) {

    static Option of(String name, Consumer<Plan> change, String... words) {
        return new Option(name, change, words.length == 0 ? List.of(name) : List.of(words));
    }

    boolean isNamedBy(String message) {
        return words.stream()
                .anyMatch(word -> Pattern.compile("\\b" + Pattern.quote(word) + "\\b", Pattern.CASE_INSENSITIVE)
                        .matcher(message)
                        .find());
    }
}
