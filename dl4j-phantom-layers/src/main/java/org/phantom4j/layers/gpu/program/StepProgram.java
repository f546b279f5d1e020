package org.phantom4j.layers.gpu.program;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.phantom4j.comm.cuda.CudaGraph;
import org.phantom4j.layers.gpu.device.DeviceArena;
import org.phantom4j.layers.gpu.device.GpuMachine;
import org.phantom4j.layers.gpu.parameters.DeviceParameters;
import org.phantom4j.layers.gpu.plan.Stack;
import org.phantom4j.layers.gpu.stages.DenseStage;
import org.phantom4j.layers.gpu.stages.NetworkEnd;
import org.phantom4j.layers.gpu.stages.Scratch;
import org.phantom4j.layers.gpu.stages.StageContext;
import org.phantom4j.ops.ShardRange;
import org.phantom4j.ops.gpu.ShardWidths;
import org.phantom4j.ops.gpu.StepControls;
import org.phantom4j.ops.gpu.StepLog;

/**
 * One rank's step for batches of up to some size, recorded once: the batch's rows, forward, loss, backward, update; or forward
 * alone. Samples that a batch lacks are computed as zeros, and count for nothing.
 */
public final class StepProgram implements AutoCloseable {

    private static final Duration CONNECT = Duration.ofMinutes(2);

    private final GpuMachine machine;
    private final DeviceArena arena;
    private final DeviceParameters parameters;
    private final long capacity;

    /** Null without training. */
    private final StepLog log;

    private final List<DenseStage> stages = new ArrayList<>();
    private final NetworkEnd end;
    private final CudaGraph graph;
    private final long bytesSent;
    private final long multiplyAdds;
    private long outputs;

    /**
     * Prepares products, which are timed, and records the step. A collective: every rank calls it.
     *
     * @param batch the largest batch
     * @param log where losses go; null: there is no backward pass
     */
    public StepProgram(
            GpuMachine machine, Stack stack, DeviceParameters parameters, ShardRange own, long batch, StepLog log) {
        this.machine = machine;
        this.parameters = parameters;
        this.capacity = ShardWidths.padded(batch);
        this.log = log;
        this.arena = new DeviceArena(machine);
        try {
            // nothing that is measured changes a weight
            parameters.controls().forget(machine.main);
            boolean training = log != null;
            Scratch scratch = new Scratch(machine, arena, stack, own, capacity, training);
            StageContext context =
                    new StageContext(machine, arena, stack, parameters, scratch, own, capacity, training);
            for (int i = 0; i < stack.layers().size(); i++) {
                stages.add(DenseStage.of(context, i));
            }
            this.end = NetworkEnd.of(context);
            connect();
            long bytesBefore = machine.group.bytesSent();
            long productsBefore = machine.multiplyAdds();
            this.graph = arena.own(record());
            this.bytesSent = machine.group.bytesSent() - bytesBefore;
            this.multiplyAdds = machine.multiplyAdds() - productsBefore;
        } catch (RuntimeException e) {
            arena.close();
            throw e;
        }
    }

    private CudaGraph record() {
        machine.main.beginCapture();
        try {
            load();
            forward();
            if (log != null) {
                backward();
            } else {
                outputs = end.gatherOutputs();
            }
        } catch (RuntimeException e) {
            // while a stream is recorded, no memory can be freed
            machine.main.abandonCapture();
            throw e;
        }
        return machine.main.endCapture();
    }

    private void connect() {
        forward();
        if (log != null) {
            stages.forEach(DenseStage::connect);
            end.startLoss(null);
            end.awaitLoss();
        } else {
            end.gatherOutputs();
        }
        machine.await(CONNECT);
    }

    private void load() {
        DenseStage first = stages.get(0);
        machine.kernels.loadRows(
                machine.main, parameters.controls(), false, first.inputs(), 0, capacity, first.inputWidths());
        if (log != null) {
            end.loadTargets();
        }
    }

    private void forward() {
        for (int i = 0; i < stages.size(); i++) {
            boolean last = i + 1 == stages.size();
            stages.get(i).forward();
            stages.get(i).activate(last ? end.inputs() : stages.get(i + 1).inputs(), last ? end.exactInputs() : 0);
        }
        end.forward();
    }

    private void backward() {
        int top = stages.size() - 1;
        end.backward(stages.get(top));
        end.sumLoss();
        for (int i = top; i >= 0; i--) {
            stages.get(i).beginBackward();
            DenseStage above = i < top ? stages.get(i + 1) : null;
            if (above != null) {
                // its deltas lie where the layer below gets its own
                above.finishBackward();
            }
            stages.get(i).backward(i > 0 ? stages.get(i - 1) : null, above);
            if (i == top) {
                end.startLoss(log);
            }
        }
        stages.get(0).finishBackward();
        stages.get(0).awaitSteps();
        parameters.allMade();
        end.awaitLoss();
    }

    /** The largest batch. */
    public long capacity() {
        return capacity;
    }

    /** Width of the inputs that this rank needs. */
    public long inputWidth() {
        return stages.get(0).inputWidths().neurons();
    }

    /** Width of the targets that this rank needs. */
    public long targetWidth() {
        return end.targetWidth();
    }

    /** The first of them among all. */
    public long firstTarget() {
        return end.firstTarget();
    }

    /**
     * Starts a step.
     *
     * @param batch of at most {@link #capacity} rows
     * @param rate the learning rate
     */
    public void start(StepControls.Batch batch, double rate) {
        if (batch.rows() < 1 || batch.rows() > capacity) {
            throw new IllegalArgumentException(
                    "a batch of " + batch.rows() + " rows is given to a step for 1 to " + capacity);
        }
        parameters.controls().begin(machine.kernels, machine.main, batch, rate, log != null);
        graph.launch(machine.main);
    }

    /** Where outputs are when a pass without training is done: [rows, outputs] reals, sample-major without gaps. */
    long outputs() {
        return outputs;
    }

    /** Bytes that this rank sends in a step. */
    public long bytesSent() {
        return bytesSent;
    }

    /** Multiply-adds of this rank's products in a step, as counted while it was recorded. */
    public long multiplyAdds() {
        return multiplyAdds;
    }

    /** Kernels, copies and collectives of a step. */
    public long nodes() {
        return graph.nodes();
    }

    /** Bytes of device memory that it holds. */
    public long deviceBytes() {
        return arena.bytes();
    }

    /** Not before its steps are done. */
    @Override
    public void close() {
        arena.close();
    }
}
