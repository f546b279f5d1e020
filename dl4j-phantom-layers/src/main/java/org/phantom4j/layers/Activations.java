package org.phantom4j.layers;

import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.activations.impl.ActivationRReLU;
import org.nd4j.linalg.activations.impl.ActivationSoftmax;

/** What is known of activations. */
final class Activations {

    private static final String ND4J = ActivationSoftmax.class.getPackageName();

    private Activations() {}

    /**
     * Whether an activation is a function of each output alone, so that a rank can compute it of its own. A user's own may be
     * anything; RReLU draws one number for each output of the whole layer.
     */
    static boolean isOutputwise(IActivation activation) {
        return activation.getClass().getPackageName().equals(ND4J)
                && !(activation instanceof ActivationSoftmax)
                && !(activation instanceof ActivationRReLU);
    }
}
