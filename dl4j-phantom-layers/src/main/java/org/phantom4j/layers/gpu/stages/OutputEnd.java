package org.phantom4j.layers.gpu.stages;

import org.phantom4j.comm.cuda.CudaEvent;
import org.phantom4j.comm.cuda.CudaStream;
import org.phantom4j.layers.gpu.device.Exchange;
import org.phantom4j.layers.gpu.device.Work;
import org.phantom4j.layers.gpu.parameters.DeviceParameters;
import org.phantom4j.layers.gpu.parameters.WeightStep;
import org.phantom4j.layers.gpu.plan.Stack;
import org.phantom4j.ops.gpu.Kernels;
import org.phantom4j.ops.gpu.Parameter;
import org.phantom4j.ops.gpu.ProductShape;
import org.phantom4j.ops.gpu.ProductStep;
import org.phantom4j.ops.gpu.ShardWidths;
import org.phantom4j.ops.gpu.TwoOrders;

/**
 * A row-parallel output layer with its loss: logits are sums over all neurons of the last layer, and from there on every rank
 * computes the same. Its weights' rows lie as that layer's neurons do, so that its own shards do not matter here. Outputs have
 * places that are a multiple of eight.
 */
final class OutputEnd extends NetworkEnd {

    private final DeviceParameters parameters;
    private final Scratch scratch;
    private final long width;
    private final TwoOrders inputs;
    private final long logits;
    private final long outputs;
    private final long parts;
    private final TwoOrders delta;
    private final Parameter bias;
    private final Work forward;

    /** Null without training; so for the step. */
    private final Work inputGradients;

    private final WeightStep step;
    private final Exchange sumLogits;
    private final CudaEvent passed;

    OutputEnd(StageContext context) {
        super(context);
        this.parameters = context.parameters();
        this.scratch = context.scratch();
        int index = stack.layers().size();
        ShardWidths in = ShardWidths.of(stack.layers().get(index - 1).geometry().out(), own);
        this.width = ShardWidths.padded(stack.end().width());
        this.inputs = new TwoOrders(training ? arena.allocateFactors(batch * in.length()) : 0, scratch.samples(index));
        this.logits = arena.allocateReals(batch * width);
        this.outputs = training ? 0 : arena.allocateReals(batch * stack.end().width());
        this.parts = training ? arena.allocate(Double.BYTES * batch) : 0;
        this.delta = training
                ? new TwoOrders(arena.allocateFactors(batch * width), arena.allocateFactors(batch * width))
                : TwoOrders.NOWHERE;
        this.bias = stack.end().hasBias() ? parameters.get(index, "b") : null;
        this.sumLogits = arena.exchange();
        this.passed = arena.event();
        Parameter weights = parameters.get(index, "W");
        this.forward = arena.prepare(
                machine.main,
                ProductShape.of(true, false, width, batch, in.length()),
                weights.address(),
                inputs.samples(),
                logits);
        this.inputGradients = training
                ? arena.prepare(
                        machine.main,
                        ProductShape.of(true, true, batch, in.length(), width),
                        delta.samples(),
                        weights.address(),
                        scratch.reals())
                : null;
        this.step = training
                ? parameters.step(
                        machine.weights,
                        arena,
                        ProductStep.of(inputs.features(), delta.features(), weights, in.length(), in.length(), width),
                        batch)
                : null;
    }

    @Override
    public TwoOrders inputs() {
        return inputs;
    }

    @Override
    public long exactInputs() {
        return 0;
    }

    @Override
    public void loadTargets() {
        // they are read where they are
    }

    @Override
    public void forward() {
        forward.run();
        sumLogits.startAllReduce(machine.main, logits, batch * width, machine.realType());
        sumLogits.await(machine.main);
        boolean softmax = stack.end().kind() == Stack.End.Kind.SOFTMAX;
        machine.kernels.outputLoss(
                machine.main,
                controls,
                new Kernels.OutputLoss(
                        logits, bias, outputs, delta, parts, stack.end().width(), softmax),
                batch);
    }

    @Override
    public void backward(DenseStage last) {
        inputGradients.run();
        passed.record(machine.main);
        machine.weights.await(passed);
        step.run();
        if (bias != null) {
            machine.kernels.biasStep(
                    machine.main,
                    controls,
                    delta.features(),
                    bias,
                    batch,
                    stack.end().width());
        }
        last.takeDelta(scratch.reals(), false, inputs.features());
    }

    @Override
    void sumLoss(CudaStream stream) {
        machine.kernels.sumLoss(stream, parts, (int) batch, loss);
    }

    @Override
    public long gatherOutputs() {
        // every rank has computed all of them
        return outputs;
    }

    @Override
    public long targetWidth() {
        return stack.end().width();
    }

    @Override
    public long firstTarget() {
        return 0;
    }
}
