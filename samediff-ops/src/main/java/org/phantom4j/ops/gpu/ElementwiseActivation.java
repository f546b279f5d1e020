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

    /** One of Deeplearning4j's; empty if the kernels do not have it. */
    public static Optional<ElementwiseActivation> of(IActivation activation) {
        if (activation instanceof ActivationIdentity) {
            return Optional.of(IDENTITY);
        }
        if (activation instanceof ActivationReLU relu && relu.equals(new ActivationReLU())) {
            return Optional.of(new ElementwiseActivation(1, 0));
        }
        if (activation instanceof ActivationLReLU leaky) {
            return Optional.of(new ElementwiseActivation(2, leaky.getAlpha()));
        }
        if (activation instanceof ActivationTanH) {
            return Optional.of(new ElementwiseActivation(3, 0));
        }
        if (activation instanceof ActivationSigmoid) {
            return Optional.of(new ElementwiseActivation(4, 0));
        }
        if (activation instanceof ActivationELU elu) {
            return Optional.of(new ElementwiseActivation(5, elu.getAlpha()));
        }
        return Optional.empty();
    }
}
