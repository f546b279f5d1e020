package org.phantom4j.data;

import org.nd4j.linalg.dataset.api.preprocessor.NormalizerStandardize;

/**
 * A data set, split for training and testing.
 *
 * @param classes whether the labels are one-hot classes; else they are targets of a regression
 * @param normalizer what was done to the features of a CSV file and must be done to others; null elsewhere
 */
public record Corpus(Samples train, Samples test, boolean classes, NormalizerStandardize normalizer) {

    /** The number of features. */
    public long inputs() {
        return train.features().size(1);
    }

    /** The number of classes or targets. */
    public long outputs() {
        return train.labels().size(1);
    }
}
