package org.phantom4j.layers.gpu;

import java.util.Arrays;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.DataSet;

/** Whether compiled steps can train on a batch as {@code network.fit} would. */
final class BatchCheck {

    private BatchCheck() {}

    /**
     * Requires features and labels of the same number of rows, and no masks.
     *
     * @throws IllegalArgumentException if the batch has something else; the message names it
     */
    static void require(DataSet batch) {
        requireNone(batch.getFeaturesMaskArray(), "features", "setFeaturesMaskArray(null)");
        requireNone(batch.getLabelsMaskArray(), "labels", "setLabelsMaskArray(null)");
        long rows = batch.getFeatures().size(0);
        if (batch.getLabels().size(0) != rows) {
            throw new IllegalArgumentException("a batch with " + rows + " rows of features has "
                    + batch.getLabels().size(0) + " rows of labels");
        }
    }

    private static void requireNone(INDArray mask, String what, String remedy) {
        if (mask != null) {
            throw new IllegalArgumentException("the batch has a " + what + " mask of shape "
                    + Arrays.toString(mask.shape()) + ", which compiled steps would leave out: train with network.fit,"
                    + " or remove it with " + remedy + " if every row counts");
        }
    }
}
