package org.phantom4j.ops;

/**
 * What a layer costs: exact counts, not estimates.
 *
 * @param parameters trainable values
 * @param forwardMultiplyAdds multiply-adds of the forward products, for the whole batch
 * @param backwardMultiplyAdds multiply-adds of the backward products, for the whole batch
 * @param forwardBytes bytes sent to other ranks in the forward pass, counted as
 *     {@link org.phantom4j.comm.CommStats} counts
 * @param backwardBytes bytes sent to other ranks in the backward pass
 */
public record LayerCost(
        long parameters, long forwardMultiplyAdds, long backwardMultiplyAdds, long forwardBytes, long backwardBytes) {

    /** Nothing. */
    public static final LayerCost ZERO = new LayerCost(0, 0, 0, 0, 0);

    /** Both passes' multiply-adds. */
    public long multiplyAdds() {
        return forwardMultiplyAdds + backwardMultiplyAdds;
    }

    /** Both passes' bytes. */
    public long bytes() {
        return forwardBytes + backwardBytes;
    }

    /** The sum of two costs. */
    public LayerCost plus(LayerCost other) {
        return new LayerCost(
                parameters + other.parameters,
                forwardMultiplyAdds + other.forwardMultiplyAdds,
                backwardMultiplyAdds + other.backwardMultiplyAdds,
                forwardBytes + other.forwardBytes,
                backwardBytes + other.backwardBytes);
    }
}
