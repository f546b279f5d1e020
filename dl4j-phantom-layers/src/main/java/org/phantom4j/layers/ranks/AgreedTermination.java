package org.phantom4j.layers.ranks;

import org.deeplearning4j.earlystopping.termination.IterationTerminationCondition;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.comm.Communicator;

/**
 * Early stopping by something that the ranks see differently, such as a clock: all stop at the iteration at which the first one
 * wants to.
 *
 * <pre>{@code
 * .iterationTerminationConditions(
 *         new AgreedTermination(new MaxTimeIterationTerminationCondition(1, TimeUnit.HOURS), group))
 * }</pre>
 *
 * <p>Costs a small all-reduce for each iteration. Conditions of the score need it not: all ranks have the same. Belongs to the
 * rank's thread; not for serialisation.
 */
public final class AgreedTermination implements IterationTerminationCondition {

    private static final long serialVersionUID = 1L;

    private final IterationTerminationCondition condition;
    private final transient Communicator group;

    /**
     * @param condition this rank's own
     * @param group all ranks that train together; of a {@link org.phantom4j.comm.Mesh} the whole
     */
    public AgreedTermination(IterationTerminationCondition condition, Communicator group) {
        this.condition = condition;
        this.group = group;
    }

    @Override
    public void initialize() {
        condition.initialize();
    }

    @Override
    public boolean terminate(double lastMiniBatchScore) {
        INDArray wishes = Nd4j.zeros(DataType.INT64, 1).detach();
        wishes.putScalar(0, condition.terminate(lastMiniBatchScore) ? 1 : 0);
        group.stats().withoutCounting(() -> group.allReduce(wishes));
        return wishes.getLong(0) > 0;
    }

    @Override
    public String toString() {
        return "AgreedTermination(" + condition + ")";
    }
}
