package org.phantom4j.layers.ranks;

import java.util.Map;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.comm.Communicator;

/**
 * Compares some elements of the parameters that every rank of a group has: those of ordinary layers and the biases of sharded
 * output layers. Equal but for rounding, as ranks on other processors may round differently. Belongs to the rank's thread.
 */
final class ParameterAgreement {

    /** Elements of each parameter. */
    private static final int SAMPLES = 32;

    /** How far elements may be apart, as a part of the parameter's largest one. */
    private static final double TOLERANCE = 1e-3;

    private final Communicator group;
    private final Map<String, INDArray> replicated;
    private final INDArray own;
    private final INDArray all;

    /** @param replicated the parameters by name, in the same order on all ranks */
    ParameterAgreement(Communicator group, Map<String, INDArray> replicated) {
        this.group = group;
        this.replicated = replicated;
        long length = (long) replicated.size() * SAMPLES;
        this.own = Nd4j.zeros(DataType.DOUBLE, Math.max(1, length)).detach();
        this.all =
                Nd4j.zeros(DataType.DOUBLE, Math.max(1, length) * group.size()).detach();
    }

    /**
     * A collective.
     *
     * @param when for the message
     * @throws IllegalStateException if a rank's parameter differs from rank 0's
     */
    void require(String when) {
        if (replicated.isEmpty()) {
            return;
        }
        int at = 0;
        for (INDArray parameter : replicated.values()) {
            for (int i = 0; i < SAMPLES; i++) {
                own.putScalar(at++, element(parameter, i));
            }
        }
        group.stats().withoutCounting(() -> group.allGather(own, all));
        int first = 0;
        for (String name : replicated.keySet()) {
            double bound = TOLERANCE * largest(first);
            for (int i = first; i < first + SAMPLES; i++) {
                requireNear(name, i, bound, when);
            }
            first += SAMPLES;
        }
    }

    /** Elements that lie as far from one another as the length allows; a short parameter's several times. */
    private static double element(INDArray parameter, int sample) {
        long number = parameter.length() <= SAMPLES
                ? sample % parameter.length()
                : parameter.length() / SAMPLES * sample + sample % (parameter.length() / SAMPLES);
        return parameter.getDouble(number);
    }

    private double largest(int first) {
        double largest = Double.MIN_NORMAL;
        for (int i = first; i < first + SAMPLES; i++) {
            largest = Math.max(largest, Math.abs(all.getDouble(i)));
        }
        return largest;
    }

    private void requireNear(String name, int index, double bound, String when) {
        double expected = all.getDouble(index);
        for (int rank = 1; rank < group.size(); rank++) {
            double value = all.getDouble(rank * own.length() + index);
            if (Math.abs(value - expected) > bound || Double.isNaN(value) != Double.isNaN(expected)) {
                throw new IllegalStateException("every rank has parameter '" + name + "', and " + when + " rank " + rank
                        + "'s differs from rank 0's: " + value + " instead of " + expected
                        + ". Their networks are not one network: did they train on other batches, draw other random"
                        + " numbers, or was one changed alone?");
            }
        }
    }
}
