package org.phantom4j.layers.gpu;

import java.util.List;
import java.util.stream.IntStream;
import org.phantom4j.ops.Split;
import org.phantom4j.ops.gpu.Kernels;
import org.phantom4j.ops.gpu.TwoOrders;

/** Squared errors of sharded outputs: each rank has its own outputs, their targets, and a part of the loss. */
final class SquaredEnd extends NetworkEnd {

    private final Split split;
    private final List<Long> exact;
    private final List<Long> targets;
    private final long parts;

    SquaredEnd(StepLayout layout) {
        super(layout);
        this.split = new Split(stack.end().width(), stack.shards());
        this.exact = reals();
        this.targets = training ? reals() : List.of();
        this.parts = training ? machine.allocate(8L * partCount()) : 0;
    }

    private List<Long> reals() {
        return own.stream()
                .mapToObj(j -> machine.allocateReals(batch * split.width(j)))
                .toList();
    }

    private int partCount() {
        return own.stream().map(j -> Kernels.lossParts(split.width(j))).sum();
    }

    @Override
    List<Activations> inputs() {
        return null;
    }

    @Override
    List<Long> exactInputs() {
        return exact;
    }

    @Override
    void forward() {
        // the outputs are the last layer's activations
    }

    @Override
    void backward(DenseStage last) {
        double mean = 1.0 / stack.end().width() / batch;
        int part = 0;
        for (int i = 0; i < own.count(); i++) {
            machine.kernels.squaredLoss(
                    machine.main,
                    new Kernels.SquaredErrors(exact.get(i), targets.get(i), mean, 2 * mean, parts + 8L * part),
                    last.neurons(i),
                    last.delta(i),
                    last.parameters.rate());
            part += Kernels.lossParts(last.outWidth(i));
        }
        machine.kernels.sumLoss(machine.main, parts, part, loss);
    }

    @Override
    void loadTargets(long from, long pitch) {
        IntStream.range(0, own.count()).forEach(i -> {
            long offset = split.offset(own.first() + i) - split.offset(own.first());
            machine.kernels.loadColumns(
                    machine.main,
                    from + offset * machine.precision.resultBytes(),
                    pitch,
                    new TwoOrders(0, 0),
                    targets.get(i),
                    batch,
                    split.width(own.first() + i));
        });
    }

    @Override
    long targetWidth() {
        return split.width(own);
    }

    @Override
    long firstTarget() {
        return split.offset(own.first());
    }
}
