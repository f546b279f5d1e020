package org.phantom4j.layers.gpu.feed;

import java.util.Arrays;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The columns of features and labels that a rank needs.
 *
 * @param inputs all columns of the features
 * @param firstInput the first that the rank needs
 * @param inputWidth how many it needs
 * @param targets all columns of the labels
 * @param firstTarget the first that the rank needs
 * @param targetWidth how many it needs; 0: no labels
 */
public record RankColumns(
        long inputs, long firstInput, long inputWidth, long targets, long firstTarget, long targetWidth) {

    /** Refuses columns that are not there. */
    public RankColumns {
        if (firstInput < 0 || inputWidth < 1 || firstInput + inputWidth > inputs) {
            throw new IllegalArgumentException("inputs " + firstInput + " to " + (firstInput + inputWidth - 1)
                    + " are not all among the " + inputs + " that there are");
        }
        if (firstTarget < 0 || targetWidth < 0 || firstTarget + targetWidth > targets) {
            throw new IllegalArgumentException("targets " + firstTarget + " to " + (firstTarget + targetWidth - 1)
                    + " are not all among the " + targets + " that there are");
        }
    }

    /** All columns: those of a rank alone. */
    public static RankColumns all(long inputs, long targets) {
        return new RankColumns(inputs, 0, inputs, targets, 0, targets);
    }

    /** The same inputs, and no labels. */
    public RankColumns withoutTargets() {
        return new RankColumns(inputs, firstInput, inputWidth, 0, 0, 0);
    }

    /**
     * Refuses samples of other widths, or with more or fewer rows of labels than of features.
     *
     * @param what names the samples in the message: "batch 3 of epoch 0"
     */
    void require(INDArray features, INDArray labels, String what) {
        if (features == null) {
            throw new IllegalArgumentException(what + " has no features");
        }
        requireWidth(features, inputs, what, "features", "inputs");
        if (features.size(0) < 1) {
            throw new IllegalArgumentException(what + " has no rows");
        }
        if (targetWidth == 0) {
            return;
        }
        if (labels == null) {
            throw new IllegalArgumentException(what + " has no labels");
        }
        requireWidth(labels, targets, what, "labels", "outputs");
        if (labels.size(0) != features.size(0)) {
            throw new IllegalArgumentException(
                    what + " has " + features.size(0) + " rows of features and " + labels.size(0) + " rows of labels");
        }
    }

    private static void requireWidth(INDArray array, long width, String what, String part, String end) {
        if (array.rank() != 2 || array.size(1) != width) {
            throw new IllegalArgumentException(what + " has " + part + " of shape " + Arrays.toString(array.shape())
                    + ": expected [batch, " + width + "], as many as the network has " + end);
        }
    }
}
