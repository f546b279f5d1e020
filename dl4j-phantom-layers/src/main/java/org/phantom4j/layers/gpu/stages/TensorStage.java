package org.phantom4j.layers.gpu.stages;

import org.phantom4j.comm.cuda.CudaEvent;
import org.phantom4j.layers.gpu.device.Exchange;
import org.phantom4j.layers.gpu.device.Work;
import org.phantom4j.layers.gpu.parameters.WeightStep;
import org.phantom4j.ops.gpu.Parameter;
import org.phantom4j.ops.gpu.ProductShape;
import org.phantom4j.ops.gpu.ProductStep;
import org.phantom4j.ops.gpu.ShardWidths;
import org.phantom4j.ops.gpu.TwoOrders;

/**
 * A column-parallel dense layer: the equations of {@link org.phantom4j.ops.TensorParallelDense} on device memory. The
 * inputs of all ranks, feature-major, are gathered in place, and so are their gradients scattered.
 */
final class TensorStage extends DenseStage {

    private final long whole;
    private final long wholeGradient;
    private final Work forward;

    /** Null in the first layer, and without training. */
    private final Work inputGradients;

    /** Null without training. */
    private final WeightStep step;

    private final Exchange gather;
    private final Exchange scatter;
    private final CudaEvent passed;

    TensorStage(StageContext context, int index) {
        super(context, index);
        long inputs = ShardWidths.of(geometry.in()).length();
        this.whole = arena.allocateFactors(batch * inputs);
        boolean inputGradient = context.training() && index > 0;
        this.wholeGradient = inputGradient ? arena.allocateFactors(batch * inputs) : 0;
        this.gather = arena.exchange();
        this.scatter = arena.exchange();
        this.passed = arena.event();
        Parameter weights = parameter("W");
        this.forward = arena.prepare(
                machine.main,
                ProductShape.of(false, false, batch, out.length(), inputs),
                whole,
                weights.address(),
                scratch.reals());
        this.inputGradients = inputGradient
                ? arena.prepare(
                        machine.main,
                        ProductShape.of(true, true, batch, inputs, out.length()).asFactor(),
                        deltas().samples(),
                        weights.address(),
                        wholeGradient)
                : null;
        this.step = context.training()
                ? parameters.step(
                        machine.weights,
                        arena,
                        ProductStep.of(whole, deltas().features(), weights, inputs, inputs, out.length()),
                        batch)
                : null;
    }

    private long ownOf(long all) {
        return column(all, (long) own.first() * in.stride());
    }

    @Override
    public TwoOrders inputs() {
        return new TwoOrders(ownOf(whole), 0);
    }

    @Override
    public void forward() {
        gather.startAllGather(machine.main, ownOf(whole), whole, batch * in.length(), machine.factorType());
        gather.await(machine.main);
        forward.run();
    }

    @Override
    public void backward(DenseStage below, DenseStage free) {
        if (inputGradients != null) {
            inputGradients.run();
            startScatter();
        }
        // a weight takes its step when nobody reads it any more
        passed.record(machine.main);
        machine.weights.await(passed);
        step.run();
        if (below != null) {
            scatter.await(machine.main);
            handDown(below, free);
        }
    }

    @Override
    void startLastSteps() {
        // there is one, which has been started
    }

    @Override
    void handDown(DenseStage below) {
        below.takeDelta(ownOf(wholeGradient), machine.precision.isNarrow(), inputs().features());
    }

    private void startScatter() {
        scatter.startReduceScatter(
                machine.main, wholeGradient, ownOf(wholeGradient), batch * in.length(), machine.factorType());
    }

    @Override
    public void connect() {
        if (inputGradients != null) {
            startScatter();
            scatter.await(machine.main);
        }
    }
}
