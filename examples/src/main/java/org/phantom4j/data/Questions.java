package org.phantom4j.data;

import java.util.List;

/**
 * Samples to predict, in the order of their source.
 *
 * @param samples with labels as far as the model knows them: a row of zeros is a label that it does not; null if none is known
 * @param notes what is to be told about them
 * @param checksum of what was read
 */
public record Questions(Samples samples, List<String> notes, long checksum) {

    /** Copies the list. */
    public Questions {
        notes = List.copyOf(notes);
    }
}
