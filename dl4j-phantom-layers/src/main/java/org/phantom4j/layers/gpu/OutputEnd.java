package org.phantom4j.layers.gpu;

import java.util.ArrayList;
import java.util.List;
import org.phantom4j.comm.cuda.CudaEvent;
import org.phantom4j.comm.cuda.CudaStream;
import org.phantom4j.ops.Split;
import org.phantom4j.ops.gpu.Parameter;
import org.phantom4j.ops.gpu.ProductShape;
import org.phantom4j.ops.gpu.TwoOrders;

/**
 * A row-parallel output layer with its loss: logits are sums over all shards, and from there on every rank computes the
 * same. Logits and deltas are small; weights W_j are [nIn_j, outputs].
 */
final class OutputEnd extends NetworkEnd {

    private final DeviceParameters parameters;
    private final Scratch scratch;
    private final Split in;
    private final long width;
    private final List<Activations> inputs;
    private final long logits;
    private final long outputs;
    private final long target;
    private final long parts;
    private final TwoOrders delta;
    private final Parameter bias;
    private final List<Work> forward = new ArrayList<>();
    private final List<Work> inputGradients = new ArrayList<>();
    private final List<Work> weightGradients = new ArrayList<>();
    private final GpuMachine.Exchange sumLogits;
    private final CudaEvent passed;

    OutputEnd(StepLayout layout) {
        super(layout);
        this.parameters = layout.parameters();
        this.scratch = layout.scratch();
        int index = stack.layers().size();
        this.in = stack.layers().get(index - 1).geometry().out();
        this.width = stack.end().width();
        List<Activations> all = new ArrayList<>();
        for (int i = 0; i < own.count(); i++) {
            long inWidth = in.width(own.first() + i);
            all.add(new Activations(
                    training ? machine.allocateFactors(batch * inWidth) : 0, scratch.samples(index, i), inWidth));
        }
        this.inputs = List.copyOf(all);
        this.logits = machine.allocateReals(batch * width);
        this.outputs = training ? 0 : machine.allocateReals(batch * width);
        this.target = training ? machine.allocateReals(batch * width) : 0;
        this.parts = training ? machine.allocate(8 * batch) : 0;
        this.delta = training
                ? new TwoOrders(machine.allocateFactors(batch * width), machine.allocateFactors(batch * width))
                : TwoOrders.NOWHERE;
        this.bias = stack.end().hasBias() ? parameters.get(index + "_b") : null;
        this.sumLogits = machine.exchange();
        this.passed = machine.event();
        for (int i = 0; i < own.count(); i++) {
            prepare(i, weights(i));
        }
    }

    private Parameter weights(int ownShard) {
        return parameters.get(stack.layers().size() + "_W" + (own.first() + ownShard));
    }

    private void prepare(int i, Parameter weights) {
        long inWidth = inputs.get(i).width();
        ProductShape shape = ProductShape.of(true, false, width, batch, inWidth);
        forward.add(machine.prepare(
                machine.main,
                i == 0 ? shape : shape.added(),
                weights.address(),
                inputs.get(i).samples(),
                logits));
        if (training) {
            inputGradients.add(machine.prepare(
                    machine.main,
                    ProductShape.of(true, true, batch, inWidth, width),
                    delta.samples(),
                    weights.address(),
                    scratch.reals(i)));
            weightGradients.add(parameters.gradient(
                    machine.weights,
                    ProductShape.of(true, false, inWidth, width, batch),
                    weights,
                    0,
                    inputs.get(i).features(),
                    delta.features()));
        }
    }

    @Override
    List<Activations> inputs() {
        return inputs;
    }

    @Override
    List<Long> exactInputs() {
        return null;
    }

    @Override
    void forward() {
        Work.run(forward);
        sumLogits.startAllReduce(machine.main, logits, batch * width, machine.realType());
        sumLogits.await(machine.main);
        boolean softmax = stack.end().kind() == Stack.End.Kind.SOFTMAX;
        machine.kernels.outputLoss(machine.main, logits, bias, target, outputs, delta, parts, batch, width, softmax);
    }

    @Override
    void backward(DenseStage last) {
        Work.run(inputGradients);
        passed.record(machine.main);
        machine.weights.await(passed);
        for (int i = 0; i < own.count(); i++) {
            weightGradients.get(i).run();
            parameters.made(weights(i), weightGradients.get(i));
        }
        if (bias != null) {
            machine.kernels.biasStep(machine.main, delta.features(), bias, parameters.rate(), batch, width);
        }
        for (int i = 0; i < own.count(); i++) {
            last.takeDelta(i, scratch.reals(i), false, inputs.get(i).features());
        }
    }

    @Override
    void sumLoss(CudaStream stream) {
        machine.kernels.sumLoss(stream, parts, (int) batch, loss);
    }

    @Override
    void gatherOutputs() {
        // every rank has computed all of them
    }

    @Override
    void copyOutputs(long to) {
        machine.main.copy(to, outputs, batch * width * machine.precision.resultBytes());
    }

    @Override
    char outputOrder() {
        return 'c';
    }

    @Override
    void loadTargets(long from, long pitch) {
        machine.kernels.loadColumns(machine.main, from, pitch, TwoOrders.NOWHERE, target, batch, width);
    }

    @Override
    long targetWidth() {
        return width;
    }

    @Override
    long firstTarget() {
        return 0;
    }
}
