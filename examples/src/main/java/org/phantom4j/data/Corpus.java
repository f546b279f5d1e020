package org.phantom4j.data;

import java.util.List;

/**
 * A data set, split for training and testing.
 *
 * @param layout what it looks like: to be saved with a model that is trained on it
 * @param notes what else is to be told about it
 * @param checksum of what was read: ranks that have read the same have the same
 */
public record Corpus(Samples train, Samples test, Layout layout, List<String> notes, long checksum) {

    /** Copies the list. */
    public Corpus {
        notes = List.copyOf(notes);
    }

    /** The number of features. */
    public long inputs() {
        return train.features().size(1);
    }

    /** The number of classes or targets. */
    public long outputs() {
        return train.labels().size(1);
    }

    /** Whether the labels are one-hot classes; else they are targets of a regression. */
    public boolean classes() {
        return layout.classifies();
    }
}
