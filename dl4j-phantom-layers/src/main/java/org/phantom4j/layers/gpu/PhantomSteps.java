package org.phantom4j.layers.gpu;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.phantom4j.comm.cuda.CudaEvent;
import org.phantom4j.comm.cuda.CudaStream;
import org.phantom4j.ops.gpu.ProductShape;

/**
 * Gradients or steps of a phantom layer's weights. A weight takes its step when nobody reads it any more: D's when the
 * gradients of images have been made, beside whatever follows; L's when those of the inputs have; C's when the layer below has
 * its deltas. Where a kernel can do that, L and C step in one launch, which then waits as C does; where steps share memory, D's
 * are the last.
 */
final class PhantomSteps {

    private final PhantomStage stage;
    private final GpuMachine machine;
    private final DeviceParameters parameters;
    private final List<Work> local = new ArrayList<>();
    private final List<Work> compressors = new ArrayList<>();
    private final List<List<Work>> decompressors;

    /** Those of a shard's L and C at once; empty: one after the other. */
    private final List<Work> joint;

    /** Whether those of D run on a stream of their own. */
    private final boolean aside;

    private final CudaEvent sent;
    private final CudaEvent handed;
    private final CudaEvent stepped;

    PhantomSteps(PhantomStage stage) {
        this.stage = stage;
        this.machine = stage.machine;
        this.parameters = stage.parameters;
        int shards = stage.own.count();
        for (int i = 0; i < shards; i++) {
            prepare(i);
        }
        List<List<Work>> beside = decompressors(machine.aside);
        this.aside = stage.several
                && beside.stream().flatMap(List::stream).allMatch(steps -> steps.stream() == machine.aside);
        // where some share memory with other steps, all are taken in one order
        this.decompressors = aside ? beside : decompressors(machine.weights);
        this.joint = IntStream.range(0, shards).allMatch(this::canJoin)
                ? stage.forOwnShards(i -> StepCall.join(local.get(i), compressors.get(i)))
                : List.of();
        this.sent = machine.event();
        this.handed = machine.event();
        this.stepped = machine.event();
    }

    private boolean canJoin(int ownShard) {
        return stage.several && StepCall.canJoin(local.get(ownShard), compressors.get(ownShard));
    }

    private void prepare(int i) {
        long features = stage.inputs().get(i).features();
        long delta = stage.deltaFeatures(i);
        long in = stage.inWidth(i);
        local.add(parameters.gradient(
                machine.weights,
                ProductShape.of(true, false, in, stage.outWidth(i), stage.batch),
                stage.parameter("L", i),
                0,
                features,
                delta));
        if (!stage.several) {
            return;
        }
        compressors.add(parameters.gradient(
                machine.weights,
                ProductShape.of(true, false, in, stage.geometry.phantomWidth(), stage.batch),
                stage.parameter("C", i),
                0,
                features,
                stage.summedGradients(i)));
    }

    /** Of each own shard; none where there are no others. */
    private List<List<Work>> decompressors(CudaStream stream) {
        return stage.several ? stage.forOwnShards(i -> decompressors(stream, i)) : List.of();
    }

    private List<Work> decompressors(CudaStream stream, int ownShard) {
        return stage.others(ownShard).stream()
                .map(others -> parameters.gradient(
                        stream,
                        ProductShape.of(true, false, others.count(), stage.outWidth(ownShard), stage.batch)
                                .withStrideC(stage.geometry.decompressorRows()),
                        stage.parameter("D", ownShard),
                        others.firstRow(),
                        stage.images(others),
                        stage.deltaFeatures(ownShard)))
                .toList();
    }

    /** The main stream has been given the gradients of images. */
    void decompressorsRead() {
        if (aside) {
            sent.record(machine.main);
            machine.aside.await(sent);
            decompressorSteps();
            stepped.record(machine.aside);
        }
    }

    private void decompressorSteps() {
        for (int i = 0; i < decompressors.size(); i++) {
            Work.run(decompressors.get(i));
            parameters.made(stage.parameter("D", i), decompressors.get(i).get(0));
        }
    }

    /** The gradients of the inputs have been made, when that event is. */
    void localsRead(CudaEvent passed) {
        if (joint.isEmpty()) {
            machine.weights.await(passed);
            steps("L", local);
        }
    }

    private void steps(String letter, List<Work> gradients) {
        for (int i = 0; i < gradients.size(); i++) {
            gradients.get(i).run();
            parameters.made(stage.parameter(letter, i), gradients.get(i));
        }
    }

    /** The main stream has been given the deltas of the layer below. */
    void compressorsRead() {
        handed.record(machine.main);
    }

    /** All that are left. The stream for weights is behind them then. */
    void finish() {
        machine.weights.await(handed);
        Work.run(joint);
        if (joint.isEmpty()) {
            steps("C", compressors);
        }
        if (aside) {
            machine.weights.await(stepped);
        } else {
            decompressorSteps();
        }
    }
}
