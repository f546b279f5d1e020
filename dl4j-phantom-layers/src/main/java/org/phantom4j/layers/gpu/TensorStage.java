package org.phantom4j.layers.gpu;

import java.util.ArrayList;
import java.util.List;
import org.phantom4j.comm.cuda.CudaEvent;
import org.phantom4j.ops.gpu.Parameter;
import org.phantom4j.ops.gpu.ProductShape;

/**
 * A column-parallel dense layer: the equations of {@link org.phantom4j.ops.TensorParallelDense} on device memory. The
 * inputs of all ranks, [B, nIn] feature-major, are gathered in place, and so are their gradients scattered.
 */
final class TensorStage extends DenseStage {

    private final long whole;
    private final long wholeGradient;
    private final long ownGradient;
    private final List<Activations> inputs;
    private final List<Work> forward = new ArrayList<>();
    private final List<Work> inputGradients = new ArrayList<>();
    private final List<Work> weightGradients = new ArrayList<>();
    private final GpuMachine.Exchange gather;
    private final GpuMachine.Exchange scatter;
    private final CudaEvent passed;

    TensorStage(StepLayout layout, int index) {
        super(layout, index);
        this.whole = machine.allocateFactors(batch * geometry.nIn());
        this.inputs = forOwnShards(i -> new Activations(
                whole + batch * geometry.in().offset(own.first() + i) * machine.precision.factorBytes(),
                0,
                inWidth(i)));
        boolean inputGradient = layout.training() && index > 0;
        this.wholeGradient = inputGradient ? machine.allocateFactors(batch * geometry.nIn()) : 0;
        long ownOffset = batch * geometry.in().offset(own.first()) * machine.precision.factorBytes();
        this.ownGradient = wholeGradient + ownOffset;
        this.gather = machine.exchange();
        this.scatter = machine.exchange();
        this.passed = machine.event();
        for (int i = 0; i < own.count(); i++) {
            prepare(i, layout.training());
        }
    }

    private void prepare(int i, boolean training) {
        Parameter weights = parameter("W", i);
        forward.add(machine.prepare(
                machine.main,
                ProductShape.of(false, false, batch, outWidth(i), geometry.nIn()),
                whole,
                weights.address(),
                scratch.reals(i)));
        if (!training) {
            return;
        }
        if (index > 0) {
            ProductShape shape = ProductShape.of(true, true, batch, geometry.nIn(), outWidth(i))
                    .asFactor();
            inputGradients.add(machine.prepare(
                    machine.main, i == 0 ? shape : shape.added(), deltaSamples(i), weights.address(), wholeGradient));
        }
        weightGradients.add(parameters.gradient(
                machine.weights,
                ProductShape.of(true, false, geometry.nIn(), outWidth(i), batch),
                weights,
                0,
                whole,
                deltaFeatures(i)));
    }

    @Override
    List<Activations> inputs() {
        return inputs;
    }

    @Override
    void forward() {
        gather.startAllGather(
                machine.main,
                inputs.get(0).features(),
                whole,
                batch * geometry.in().width(own),
                machine.factorType());
        gather.await(machine.main);
        Work.run(forward);
    }

    @Override
    void backward(DenseStage below, CudaEvent free) {
        Work.run(inputGradients);
        startScatter();
        // a weight takes its step when nobody reads it any more
        passed.record(machine.main);
        machine.weights.await(passed);
        for (int i = 0; i < own.count(); i++) {
            weightGradients.get(i).run();
            parameters.made(parameter("W", i), weightGradients.get(i));
        }
        if (below != null) {
            scatter.await(machine.main);
            handDown(below, free);
        }
    }

    @Override
    void finishBackward() {
        updated.record(machine.weights);
    }

    @Override
    void handDown(DenseStage below, int ownShard) {
        long offset = batch * geometry.in().offset(own.first() + ownShard) * machine.precision.factorBytes();
        below.takeDelta(
                ownShard,
                wholeGradient + offset,
                machine.precision.isNarrow(),
                inputs.get(ownShard).features());
    }

    private void startScatter() {
        if (index > 0) {
            long block = batch * geometry.in().width(own);
            scatter.startReduceScatter(machine.main, wholeGradient, ownGradient, block, machine.factorType());
        }
    }

    @Override
    void connect() {
        startScatter();
        if (index > 0) {
            scatter.await(machine.main);
        }
    }
}
