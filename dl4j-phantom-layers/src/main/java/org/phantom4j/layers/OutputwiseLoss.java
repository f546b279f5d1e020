package org.phantom4j.layers;

import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.lossfunctions.ILossFunction;
import org.nd4j.linalg.lossfunctions.impl.LossL1;
import org.nd4j.linalg.lossfunctions.impl.LossL2;
import org.nd4j.linalg.lossfunctions.impl.LossMAE;
import org.nd4j.linalg.lossfunctions.impl.LossMSE;

/**
 * A loss that is a sum, or a mean, over the outputs, computed of some outputs only: the values of all slices add up to
 * that of the whole.
 */
final class OutputwiseLoss {

    private final ILossFunction loss;

    /** What turns a mean over the slice into the slice's part of the mean over the whole. */
    private final double share;

    OutputwiseLoss(ILossFunction loss, long slice, long whole) {
        require(loss);
        this.loss = loss;
        this.share = isMean(loss) ? (double) slice / whole : 1;
    }

    /** Refuses losses that are not sums over the outputs. */
    static void require(ILossFunction loss) {
        boolean weighted = (loss instanceof LossL2 l2 && l2.getWeights() != null)
                || (loss instanceof LossL1 l1 && l1.getWeights() != null);
        if (weighted || !(loss instanceof LossL1 || loss instanceof LossL2)) {
            throw new IllegalArgumentException(
                    "a ShardedLossLayer computes MSE, L2, MAE and L1 without weights, not " + loss
                            + ": for any other loss end the network with a ShardedOutputLayer or an ordinary OutputLayer");
        }
    }

    private static boolean isMean(ILossFunction loss) {
        return loss instanceof LossMSE || loss instanceof LossMAE;
    }

    double score(INDArray labels, INDArray preOutput, IActivation activation, INDArray mask) {
        return share * loss.computeScore(labels, preOutput, activation, mask, false);
    }

    /** Scores of each example; MAE's are sums over the outputs, as in Deeplearning4j. */
    INDArray scores(INDArray labels, INDArray preOutput, IActivation activation, INDArray mask) {
        INDArray scores = loss.computeScoreArray(labels, preOutput, activation, mask);
        return loss instanceof LossMSE ? scores.muli(share) : scores;
    }

    INDArray gradient(INDArray labels, INDArray preOutput, IActivation activation, INDArray mask) {
        INDArray gradient = loss.computeGradient(labels, preOutput, activation, mask);
        return share == 1 ? gradient : gradient.muli(share);
    }
}
