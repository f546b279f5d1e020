package org.phantom4j.layers.gpu;

import java.util.Locale;
import org.phantom4j.comm.cuda.CudaException;
import org.phantom4j.ops.PhantomGeometry;
import org.phantom4j.ops.ShardRange;
import org.phantom4j.ops.Split;
import org.phantom4j.ops.gpu.Precision;
import org.phantom4j.ops.gpu.UpdateKernels;

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

    /** Both; room for a gradient is shared by all sizes of batch. */
    MemoryNeed plus(MemoryNeed other) {
        return new MemoryNeed(
                parameters + other.parameters,
                Math.max(updater, other.updater),
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

    /** What a rank holds whatever the batch: parameters, updater state, and the workspace of its products and copies. */
    static MemoryNeed ofRank(Stack stack, ShardRange own, Precision precision, boolean training, long workspace) {
        long count = 0;
        for (Stack.Layer layer : stack.layers()) {
            PhantomGeometry geometry = layer.geometry();
            count += layer.phantom()
                    ? own.stream().mapToLong(geometry::shardParameters).sum()
                    : (geometry.nIn() + 1) * geometry.out().width(own);
        }
        Stack.End end = stack.end();
        if (end.isOutputLayer()) {
            count += lastWidth(stack, own) * end.width() + (end.hasBias() ? end.width() : 0);
        }
        boolean together = !(stack.update() instanceof Stack.Update.Sgd);
        int arrays = !training || !together ? 0 : stack.update() instanceof Stack.Update.Adam ? 3 : 2;
        return new MemoryNeed(
                count * (precision.factorBytes() + precision.lowerBytes()),
                count * arrays * precision.resultBytes(),
                0,
                workspace);
    }

    /** What a rank holds for each size of batch: activations, and values that layers hand on. */
    static MemoryNeed ofBatch(
            Stack stack, ShardRange own, Precision precision, boolean training, int ranks, long batch) {
        long factor = precision.factorBytes();
        long real = precision.resultBytes();
        long saved = 0;
        long handed = 0;
        for (int i = 0; i < stack.layers().size(); i++) {
            Stack.Layer layer = stack.layers().get(i);
            PhantomGeometry geometry = layer.geometry();
            if (!layer.phantom()) {
                saved += geometry.nIn() * factor;
                handed += training && i > 0 ? geometry.nIn() * factor : 0;
                continue;
            }
            long gathered = geometry.shards() > 1 ? geometry.gatheredWidth() : 0;
            saved += gathered * factor + (training ? geometry.in().width(own) * factor : 0);
            handed += training && gathered > 0 ? (gathered + geometry.phantomWidth() * own.count()) * factor : 0;
        }
        // pre-activations, activations twice, deltas in both orders twice
        handed += own.count() * stack.widestShard() * (real + (training ? 6 : 2) * factor);
        long inputs = stack.layers().get(0).geometry().in().width(own);
        long targets = stack.end().isOutputLayer() ? stack.end().width() : lastWidth(stack, own);
        handed += Math.max(inputs, targets) * real;
        MemoryNeed end = ofEnd(stack, own, precision, training, ranks);
        return new MemoryNeed(
                0,
                training ? stepGradient(stack, own, precision, batch) : 0,
                batch * (saved + end.activations()),
                batch * (handed + end.workspace()));
    }

    /** The network's end, a sample. */
    private static MemoryNeed ofEnd(Stack stack, ShardRange own, Precision precision, boolean training, int ranks) {
        long factor = precision.factorBytes();
        long real = precision.resultBytes();
        long width = stack.end().width();
        if (stack.end().isOutputLayer()) {
            // inputs; logits, and targets or outputs; deltas in both orders
            long inputs = training ? lastWidth(stack, own) * factor : 0;
            return new MemoryNeed(0, 0, inputs + 2 * width * real, training ? 2 * width * factor + 8 : 0);
        }
        // outputs and targets; outputs of all ranks
        long gathered = !training && ranks > 1 ? width * real : 0;
        return new MemoryNeed(0, 0, lastWidth(stack, own) * (training ? 2 : 1) * real, gathered);
    }

    /** Room for one parameter's gradient, where weights in bfloat16 do not take their steps in one pass. */
    private static long stepGradient(Stack stack, ShardRange own, Precision precision, long batch) {
        if (!precision.isNarrow() || !(stack.update() instanceof Stack.Update.Sgd)) {
            return 0;
        }
        boolean onePass = batch <= UpdateKernels.ONE_PASS_BATCH && batch % UpdateKernels.ONE_PASS_MULTIPLE == 0;
        long longest = 0;
        for (Stack.Layer layer : stack.layers()) {
            PhantomGeometry geometry = layer.geometry();
            for (int j = own.first(); j < own.end(); j++) {
                long in = layer.phantom() ? geometry.in().width(j) : geometry.nIn();
                onePass &= in % UpdateKernels.ONE_PASS_MULTIPLE == 0;
                onePass &= !layer.phantom() || geometry.phantomWidth() % UpdateKernels.ONE_PASS_MULTIPLE == 0;
                longest = Math.max(longest, in * geometry.out().width(j));
            }
        }
        if (stack.end().isOutputLayer()) {
            for (int j = own.first(); j < own.end(); j++) {
                long in = lastOut(stack).width(j);
                onePass &= in % UpdateKernels.ONE_PASS_MULTIPLE == 0;
                longest = Math.max(longest, in * stack.end().width());
            }
        }
        return onePass ? 0 : longest * precision.resultBytes();
    }

    private static long lastWidth(Stack stack, ShardRange own) {
        return lastOut(stack).width(own);
    }

    private static Split lastOut(Stack stack) {
        return stack.layers().get(stack.layers().size() - 1).geometry().out();
    }
}
