package org.phantom4j.layers.gpu;

import java.util.Locale;
import org.phantom4j.comm.cuda.CudaException;
import org.phantom4j.layers.gpu.device.GpuMachine;
import org.phantom4j.layers.gpu.parameters.ParameterLayout;
import org.phantom4j.layers.gpu.plan.Stack;
import org.phantom4j.layers.gpu.stages.Scratch;
import org.phantom4j.ops.PhantomGeometry;
import org.phantom4j.ops.ShardRange;
import org.phantom4j.ops.gpu.BiasParts;
import org.phantom4j.ops.gpu.Precision;
import org.phantom4j.ops.gpu.ShardWidths;

/**
 * Bytes of device memory that one rank needs, by formula.
 *
 * @param parameters in both halves, where they are split
 * @param updater its state, and the gradients where they are not taken as steps at once
 * @param activations what the backward pass needs of the forward pass, targets and outputs
 * @param workspace of products and copies, and values that layers hand on
 */
public record MemoryNeed(long parameters, long updater, long activations, long workspace) {

    private static final long MIB = 1 << 20;

    /** Everything. */
    public long total() {
        return parameters + updater + activations + workspace;
    }

    /** A failure with what was needed in all, if it is that a device has no room; else as it is. */
    RuntimeException explain(RuntimeException failure) {
        return failure instanceof CudaException cuda && cuda.isOutOfMemory()
                ? new CudaException(cuda.getMessage() + "; in all this rank needs " + this, cuda.code())
                : failure;
    }

    /** Both. */
    MemoryNeed plus(MemoryNeed other) {
        return new MemoryNeed(
                parameters + other.parameters,
                updater + other.updater,
                activations + other.activations,
                workspace + other.workspace);
    }

    @Override
    public String toString() {
        return String.format(
                Locale.ROOT,
                "%,d MiB (parameters %,d, updater and gradients %,d, activations %,d, workspace %,d)",
                total() / MIB,
                parameters / MIB,
                updater / MIB,
                activations / MIB,
                workspace / MIB);
    }

    /** What a rank holds on a machine whatever the batch. */
    static MemoryNeed ofRank(GpuMachine machine, Stack stack, ShardRange own, boolean training) {
        return ofRank(stack, own, machine.precision, training, machine.workspaceBytes());
    }

    /** What it holds besides for a size of batch. */
    static MemoryNeed ofBatch(GpuMachine machine, Stack stack, ShardRange own, boolean training, long batch) {
        long parts = Scratch.partReals(machine, stack, own, ShardWidths.paddedBatch(batch))
                * machine.precision.resultBytes();
        return ofBatch(stack, own, machine.precision, training, machine.group.size(), batch)
                .plus(new MemoryNeed(0, 0, 0, parts));
    }

    /** What a rank holds whatever the batch: parameters, updater state, and the workspace of its products and copies. */
    static MemoryNeed ofRank(Stack stack, ShardRange own, Precision precision, boolean training, long workspace) {
        ParameterLayout layout = new ParameterLayout(stack, own);
        boolean together = !(stack.update() instanceof Stack.Update.Sgd);
        int arrays = !training || !together ? 0 : stack.update() instanceof Stack.Update.Adam ? 3 : 2;
        return new MemoryNeed(
                layout.length() * (precision.factorBytes() + precision.lowerBytes()),
                layout.length() * arrays * precision.resultBytes(),
                0,
                workspace);
    }

    /** What a rank holds for each size of batch: activations, and values that layers hand on. */
    static MemoryNeed ofBatch(
            Stack stack, ShardRange own, Precision precision, boolean training, int ranks, long rows) {
        long batch = ShardWidths.paddedBatch(rows);
        long factor = precision.factorBytes();
        long real = precision.resultBytes();
        long saved = 0;
        long handed = 0;
        for (int i = 0; i < stack.layers().size(); i++) {
            Stack.Layer layer = stack.layers().get(i);
            PhantomGeometry geometry = layer.geometry();
            if (!layer.phantom()) {
                long inputs = ShardWidths.of(geometry.in()).length();
                saved += inputs * factor;
                handed += training && i > 0 ? inputs * factor : 0;
                continue;
            }
            long k = ShardWidths.padded(geometry.phantomWidth());
            long images = geometry.shards() > 1 ? geometry.shards() * k : 0;
            long inputs = ShardWidths.of(geometry.in(), own).length();
            saved += images * factor + (training ? inputs * factor : 0);
            handed += training ? (images + (images > 0 && ranks > 1 ? k * own.count() : 0)) * factor : 0;
        }
        // pre-activations, activations twice, deltas in both orders twice
        handed += stack.widest(own) * (real + (training ? 6 : 2) * factor);
        // parts of sums for biases are the same for every batch
        long parts = training ? BiasParts.reals(stack.widest(own)) * real : 0;
        // rows as the host sends them
        handed += stack.layers().get(0).geometry().in().width(own) * real;
        MemoryNeed end = ofEnd(stack, own, precision, training, ranks);
        return new MemoryNeed(0, 0, batch * (saved + end.activations()), batch * (handed + end.workspace()) + parts);
    }

    /** The network's end, a sample. */
    private static MemoryNeed ofEnd(Stack stack, ShardRange own, Precision precision, boolean training, int ranks) {
        long factor = precision.factorBytes();
        long real = precision.resultBytes();
        Stack.End end = stack.end();
        PhantomGeometry last = stack.layers().get(stack.layers().size() - 1).geometry();
        long places = ShardWidths.of(last.out(), own).length();
        if (end.isOutputLayer()) {
            // inputs; logits; outputs, or deltas in both orders and targets as the host sends them
            long width = ShardWidths.padded(end.width());
            return new MemoryNeed(
                    0,
                    0,
                    (training ? places * factor : end.width() * real) + width * real,
                    training ? 2 * width * factor + end.width() * real + Double.BYTES : 0);
        }
        // outputs; targets, here and as the host sends them; or outputs of all ranks, in both orders
        return training
                ? new MemoryNeed(0, 0, 2 * places * real, last.out().width(own) * real)
                : new MemoryNeed(0, 0, places * real * ranks, end.width() * real);
    }
}
