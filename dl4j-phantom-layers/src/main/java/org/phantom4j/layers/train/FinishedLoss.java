package org.phantom4j.layers.train;

import org.deeplearning4j.nn.conf.layers.BaseOutputLayer;
import org.nd4j.linalg.activations.impl.ActivationIdentity;
import org.nd4j.linalg.activations.impl.ActivationSoftmax;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.BooleanIndexing;
import org.nd4j.linalg.indexing.conditions.Conditions;
import org.nd4j.linalg.lossfunctions.impl.LossMCXENT;

/** The loss of outputs that are finished: activated already, as {@code MultiLayerNetwork.output} and GpuTrainer give them. */
public final class FinishedLoss {

    private FinishedLoss() {}

    /**
     * The mean loss over the samples: what Deeplearning4j's score of the same samples is, within rounding, without regularisation.
     * Of a softmax's cross-entropy, Deeplearning4j keeps probabilities between the loss's softmaxClipEps and 1 less that; so does
     * this, so that a network which is sure, and a probability of 0, give a finite loss.
     *
     * @param end the network's last layer
     * @param outputs [samples, outputs]; not changed
     * @param labels of the same shape
     */
    public static double mean(BaseOutputLayer end, INDArray outputs, INDArray labels) {
        INDArray kept = outputs;
        if (end.getLossFn() instanceof LossMCXENT entropy
                && end.getActivationFn() instanceof ActivationSoftmax
                && entropy.getSoftmaxClipEps() > 0) {
            double least = entropy.getSoftmaxClipEps();
            kept = outputs.dup();
            BooleanIndexing.replaceWhere(kept, least, Conditions.lessThan(least));
            BooleanIndexing.replaceWhere(kept, 1 - least, Conditions.greaterThan(1 - least));
        }
        return end.getLossFn().computeScore(labels, kept, new ActivationIdentity(), null, true);
    }
}
