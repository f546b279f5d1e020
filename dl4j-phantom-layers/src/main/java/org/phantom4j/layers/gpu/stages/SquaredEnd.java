package org.phantom4j.layers.gpu.stages;

import org.phantom4j.comm.cuda.CudaStream;
import org.phantom4j.layers.gpu.device.Exchange;
import org.phantom4j.ops.ShardRange;
import org.phantom4j.ops.Split;
import org.phantom4j.ops.gpu.Kernels;
import org.phantom4j.ops.gpu.ShardWidths;
import org.phantom4j.ops.gpu.TwoOrders;

/** Squared errors of sharded outputs: each rank has its own outputs, their targets, and a part of the loss. */
final class SquaredEnd extends NetworkEnd {

    private final Split split;
    private final ShardWidths widths;

    /** Outputs of this rank, among those of all ranks. */
    private final long exact;

    private final long whole;
    private final long rows;
    private final long targets;
    private final long parts;
    private final Exchange gather;

    SquaredEnd(StageContext context) {
        super(context);
        this.split = new Split(stack.end().width(), stack.shards());
        this.widths = ShardWidths.of(split, own);
        long ownReals = batch * widths.length();
        this.whole = arena.allocateReals(training ? ownReals : ownReals * machine.group.size());
        this.exact = training ? whole : whole + machine.group.rank() * ownReals * machine.precision.resultBytes();
        this.rows = training ? 0 : arena.allocateReals(batch * stack.end().width());
        this.targets = training ? arena.allocateReals(ownReals) : 0;
        this.parts = training ? arena.allocate((long) Double.BYTES * Kernels.lossParts(widths)) : 0;
        this.gather = arena.exchange();
    }

    @Override
    public TwoOrders inputs() {
        return TwoOrders.NOWHERE;
    }

    @Override
    public long exactInputs() {
        return exact;
    }

    @Override
    public void loadTargets() {
        machine.kernels.loadRows(machine.main, controls, true, TwoOrders.NOWHERE, targets, batch, widths);
    }

    @Override
    public void forward() {
        // the outputs are the last layer's activations
    }

    @Override
    public void backward(DenseStage last) {
        machine.kernels.squaredLoss(
                machine.main,
                controls,
                new Kernels.SquaredErrors(exact, targets, stack.end().width(), parts),
                last.neurons(),
                last.deltas());
    }

    @Override
    void sumLoss(CudaStream stream) {
        machine.kernels.sumLoss(stream, parts, Kernels.lossParts(widths), loss);
    }

    @Override
    public long gatherOutputs() {
        if (machine.group.size() > 1) {
            gather.startAllGather(machine.main, exact, whole, batch * widths.length(), machine.realType());
            gather.await(machine.main);
        }
        int bytes = machine.precision.resultBytes();
        for (int rank = 0; rank < machine.group.size(); rank++) {
            ShardRange shards = ShardRange.of(rank, machine.group.size(), stack.shards());
            machine.kernels.storeRows(
                    machine.main,
                    whole + rank * batch * widths.length() * bytes,
                    rows + split.offset(shards.first()) * bytes,
                    batch,
                    stack.end().width(),
                    ShardWidths.of(split, shards));
        }
        return rows;
    }

    @Override
    public long targetWidth() {
        return split.width(own);
    }

    @Override
    public long firstTarget() {
        return split.offset(own.first());
    }
}
