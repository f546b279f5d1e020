package org.phantom4j.layers.gpu;

import java.util.List;
import java.util.stream.IntStream;
import org.phantom4j.comm.cuda.CudaStream;
import org.phantom4j.ops.ShardRange;
import org.phantom4j.ops.Split;
import org.phantom4j.ops.gpu.Kernels;
import org.phantom4j.ops.gpu.TwoOrders;

/** Squared errors of sharded outputs: each rank has its own outputs, their targets, and a part of the loss. */
final class SquaredEnd extends NetworkEnd {

    private final Split split;
    private final long blockBytes;
    private final long whole;
    private final List<Long> exact;
    private final GpuMachine.Exchange gather;
    private final List<Long> targets;
    private final long parts;

    SquaredEnd(StepLayout layout) {
        super(layout);
        this.split = new Split(stack.end().width(), stack.shards());
        // the widest rank's: blocks that are gathered have one size
        this.blockBytes = batch * split.width(ownOf(0)) * machine.precision.resultBytes();
        this.exact = reals();
        boolean gathers = !training && machine.group.size() > 1;
        this.whole = gathers ? machine.allocate(blockBytes * machine.group.size()) : 0;
        this.gather = machine.exchange();
        this.targets = training ? reals() : List.of();
        this.parts = training ? machine.allocate(8L * partCount()) : 0;
    }

    private List<Long> reals() {
        return own.stream()
                .mapToObj(j -> machine.allocateReals(batch * split.width(j)))
                .toList();
    }

    private ShardRange ownOf(int rank) {
        return ShardRange.of(rank, machine.group.size(), stack.shards());
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
    }

    @Override
    void sumLoss(CudaStream stream) {
        machine.kernels.sumLoss(stream, parts, partCount(), loss);
    }

    @Override
    void gatherOutputs() {
        if (whole == 0) {
            return;
        }
        long part = whole + machine.group.rank() * blockBytes;
        copyOwn(part);
        long count = blockBytes / machine.precision.resultBytes();
        gather.startAllGather(machine.main, part, whole, count, machine.realType());
        gather.await(machine.main);
    }

    /** Copies this rank's outputs to where they lie one behind the other. */
    private void copyOwn(long to) {
        long next = to;
        for (int i = 0; i < own.count(); i++) {
            long bytes = batch * split.width(own.first() + i) * machine.precision.resultBytes();
            machine.main.copy(next, exact.get(i), bytes);
            next += bytes;
        }
    }

    @Override
    void copyOutputs(long to) {
        if (whole == 0) {
            copyOwn(to);
            return;
        }
        long bytesEach = batch * machine.precision.resultBytes();
        for (int rank = 0; rank < machine.group.size(); rank++) {
            ShardRange shards = ownOf(rank);
            machine.main.copy(
                    to + split.offset(shards.first()) * bytesEach,
                    whole + rank * blockBytes,
                    split.width(shards) * bytesEach);
        }
    }

    @Override
    char outputOrder() {
        return 'f';
    }

    @Override
    void loadTargets(long from, long pitch) {
        IntStream.range(0, own.count()).forEach(i -> {
            long offset = split.offset(own.first() + i) - split.offset(own.first());
            machine.kernels.loadColumns(
                    machine.main,
                    from + offset * machine.precision.resultBytes(),
                    pitch,
                    TwoOrders.NOWHERE,
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
