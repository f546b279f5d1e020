package org.phantom4j.ops.gpu;

/**
 * Where the same factors [batch, width] lie twice on the device, since matrix units want what they sum over to be
 * contiguous. An address of 0 is left out.
 *
 * @param features feature-major, for products over the samples: (b, f) at f · batch + b
 * @param samples sample-major, for products over the features: (b, f) at b · width + f
 */
public record TwoOrders(long features, long samples) {

    /** In neither order. */
    public static final TwoOrders NOWHERE = new TwoOrders(0, 0);
}
