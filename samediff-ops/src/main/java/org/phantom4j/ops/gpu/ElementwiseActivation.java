package org.phantom4j.ops.gpu;

import java.util.Optional;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.activations.impl.ActivationELU;
import org.nd4j.linalg.activations.impl.ActivationIdentity;
import org.nd4j.linalg.activations.impl.ActivationLReLU;
import org.nd4j.linalg.activations.impl.ActivationReLU;
import org.nd4j.linalg.activations.impl.ActivationSigmoid;
import org.nd4j.linalg.activations.impl.ActivationTanH;

/**
 * An activation that the kernels compute: a function of each value alone, whose derivative is one of its result.
 *
 * @param kind its number in factors.cu
 * @param slope that of the negative side, where it has one
 */
public record ElementwiseActivation(int kind, double slope) {

    /** y = z. */
    public static final ElementwiseActivation IDENTITY = new ElementwiseActivation(0, 0);

    /** What {@link #of} knows, for messages. */
    public static final String KNOWN =
            "identity, relu, leakyrelu of a slope above 0, elu of alpha 1, tanh and sigmoid are computed";

    /**
     * One of Deeplearning4j's; empty if the kernels do not have it. They take the derivative from the result: that of a leaky ReLU
     * whose slope is not above 0 does not tell on which side the value was. Deeplearning4j's gradient of an ELU is that of alpha 1,
     * whatever its alpha.
     */
    public static Optional<ElementwiseActivation> of(IActivation activation) {
        Class<?> type = activation.getClass();
        if (type == ActivationIdentity.class) {
            return Optional.of(IDENTITY);
        }
        if (activation.equals(new ActivationReLU())) {
            return Optional.of(new ElementwiseActivation(1, 0));
        }
        if (type == ActivationLReLU.class) {
            double slope = ((ActivationLReLU) activation).getAlpha();
            return slope > 0 ? Optional.of(new ElementwiseActivation(2, slope)) : Optional.empty();
        }
        if (type == ActivationTanH.class) {
            return Optional.of(new ElementwiseActivation(3, 0));
        }
        if (type == ActivationSigmoid.class) {
            return Optional.of(new ElementwiseActivation(4, 0));
        }
        if (activation.equals(new ActivationELU())) {
            return Optional.of(new ElementwiseActivation(5, 1));
        }
        return Optional.empty();
    }
}
