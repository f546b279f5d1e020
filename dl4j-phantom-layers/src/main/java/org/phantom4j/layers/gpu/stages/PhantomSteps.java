package org.phantom4j.layers.gpu.stages;

import org.phantom4j.comm.cuda.CudaEvent;
import org.phantom4j.comm.cuda.CudaStream;
import org.phantom4j.layers.gpu.device.GpuMachine;
import org.phantom4j.layers.gpu.parameters.WeightStep;
import org.phantom4j.ops.gpu.ProductStep;

/**
 * Gradients or steps of a phantom layer's weights. A weight takes its step when nobody reads it any more: D's when the
 * gradients of phantom activations have been made, beside whatever follows; L's when those of the inputs have; C's when the
 * layer below has its deltas. Where steps share memory, D's are the last.
 */
final class PhantomSteps {

    private final PhantomStage stage;
    private final GpuMachine machine;
    private final WeightStep local;

    /** Null where there are no other shards; so for decompressors. */
    private final WeightStep compressors;

    private final WeightStep decompressors;

    /** L's and C's in one launch, which then waits as C's does; null: one after the other. */
    private final WeightStep joint;

    /** Whether those of D run on a stream of their own. */
    private final boolean aside;

    private final CudaEvent sent;
    private final CudaEvent handed;
    private final CudaEvent stepped;

    PhantomSteps(PhantomStage stage) {
        this.stage = stage;
        this.machine = stage.machine;
        long rows = stage.in.stride();
        this.local = step(
                machine.weights,
                ofShards("L", stage.deltas().features(), stage.out.stride(), rows * stage.out.stride()));
        this.compressors = stage.several
                ? step(machine.weights, ofShards("C", stage.ownGradients(), stage.k, rows * stage.k))
                : null;
        this.decompressors = stage.several ? step(machine.aside, decompressors()) : null;
        this.joint = stage.several ? stage.parameters.joined(local, compressors) : null;
        this.aside = stage.several && decompressors.stream() == machine.aside;
        this.sent = stage.arena.event();
        this.handed = stage.arena.event();
        this.stepped = stage.arena.event();
    }

    private WeightStep step(CudaStream stream, ProductStep product) {
        return stage.parameters.step(stream, stage.arena, product, stage.batch);
    }

    /** Of weights that a shard's inputs are multiplied by, in each shard: from inputs and deltas. */
    private ProductStep ofShards(String letter, long delta, long columns, long gap) {
        long rows = stage.in.stride();
        return new ProductStep(
                stage.inputs().features(),
                stage.batch * rows,
                delta,
                stage.batch * columns,
                stage.parameter(letter),
                gap,
                rows,
                rows,
                columns,
                stage.own.count(),
                ProductStep.OwnRows.NONE);
    }

    private ProductStep decompressors() {
        return new ProductStep(
                stage.images().address(),
                0,
                stage.deltas().features(),
                0,
                stage.parameter("D"),
                0,
                stage.images,
                stage.images,
                stage.out.length(),
                1,
                new ProductStep.OwnRows((int) stage.k, stage.own.first(), stage.out.stride()));
    }

    /** The main stream has been given the gradients of phantom activations. */
    void decompressorsRead() {
        if (aside) {
            sent.record(machine.main);
            machine.aside.await(sent);
            decompressors.run();
            stepped.record(machine.aside);
        }
    }

    /** The gradients of the inputs have been made, when that event is. */
    void localsRead(CudaEvent passed) {
        if (joint == null) {
            machine.weights.await(passed);
            local.run();
        }
    }

    /** The main stream has been given the deltas of the layer below. */
    void compressorsRead() {
        handed.record(machine.main);
    }

    /** All that are left. The stream for weights is behind them then. */
    void finish() {
        machine.weights.await(handed);
        if (!stage.several) {
            return;
        }
        (joint == null ? compressors : joint).run();
        if (aside) {
            machine.weights.await(stepped);
        } else {
            decompressors.run();
        }
    }
}
