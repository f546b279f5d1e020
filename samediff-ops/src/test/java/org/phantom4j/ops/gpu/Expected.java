package org.phantom4j.ops.gpu;

/** What kernels should leave, computed on the CPU in double precision. */
final class Expected {
    private Expected() {}

    /** The sum over the samples of feature-major [batch, width]. */
    static double[] sums(double[] delta, int width) {
        int batch = delta.length / width;
        double[] sums = new double[width];
        for (int i = 0; i < delta.length; i++) {
            sums[i / batch] += delta[i];
        }
        return sums;
    }

    static double[] stepped(double[] values, double[] gradient, double rate) {
        double[] stepped = values.clone();
        for (int i = 0; i < stepped.length; i++) {
            stepped[i] -= rate * gradient[i];
        }
        return stepped;
    }

    /** An activation's value. */
    static double activated(double z, ElementwiseActivation activation) {
        return switch (activation.kind()) {
            case 1 -> Math.max(0, z);
            case 2 -> z > 0 ? z : activation.slope() * z;
            case 3 -> Math.tanh(z);
            case 4 -> 1 / (1 + Math.exp(-z));
            case 5 -> z > 0 ? z : activation.slope() * Math.expm1(z);
            default -> z;
        };
    }

    /** Its derivative, from its value. */
    static double derivative(double y, ElementwiseActivation activation) {
        return switch (activation.kind()) {
            case 1 -> y > 0 ? 1 : 0;
            case 2 -> y >= 0 ? 1 : activation.slope();
            case 3 -> 1 - y * y;
            case 4 -> y * (1 - y);
            case 5 -> y > 0 ? 1 : y + activation.slope();
            default -> 1;
        };
    }
}
