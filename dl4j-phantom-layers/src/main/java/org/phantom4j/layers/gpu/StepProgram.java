package org.phantom4j.layers.gpu;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.phantom4j.comm.cuda.CudaEvent;
import org.phantom4j.comm.cuda.CudaGraph;
import org.phantom4j.comm.cuda.PinnedMemory;
import org.phantom4j.ops.ShardRange;
import org.phantom4j.ops.Split;

/**
 * One rank's step for one size of batch, recorded once: forward, loss, backward, update; or forward alone. All memory that
 * it works on is its machine's.
 */
final class StepProgram implements AutoCloseable {

    private static final Duration CONNECT = Duration.ofMinutes(2);

    private final GpuMachine machine;
    private final Stack stack;
    private final ShardRange own;
    private final long batch;
    private final boolean training;
    private final DeviceParameters parameters;
    private final List<DenseStage> stages = new ArrayList<>();
    private final NetworkEnd end;
    private final long staging;
    private final PinnedMemory loss;
    private final CudaGraph graph;
    private final long bytesSent;
    private final long multiplyAdds;

    /** Prepares products, which are timed on random numbers, and records the step. A collective: every rank calls it. */
    StepProgram(
            GpuMachine machine,
            Stack stack,
            DeviceParameters parameters,
            ShardRange own,
            long batch,
            boolean training) {
        this.machine = machine;
        this.stack = stack;
        this.own = own;
        this.batch = batch;
        this.training = training;
        this.parameters = parameters;
        Scratch scratch = new Scratch(machine, stack, own, batch, training);
        StepLayout layout = new StepLayout(machine, stack, parameters, scratch, own, batch, training);
        for (int i = 0; i < stack.layers().size(); i++) {
            stages.add(stack.layers().get(i).phantom() ? new PhantomStage(layout, i) : new TensorStage(layout, i));
        }
        this.end = stack.end().isOutputLayer() ? new OutputEnd(layout) : new SquaredEnd(layout);
        this.staging = machine.allocateReals(batch * Math.max(inputWidth(), end.targetWidth()));
        this.loss = PinnedMemory.allocate(8);
        try {
            connect();
            long bytesBefore = machine.group.bytesSent();
            long productsBefore = machine.multiplyAdds();
            this.graph = record();
            this.bytesSent = machine.group.bytesSent() - bytesBefore;
            this.multiplyAdds = machine.multiplyAdds() - productsBefore;
        } catch (RuntimeException e) {
            loss.close();
            throw e;
        }
    }

    private CudaGraph record() {
        machine.main.beginCapture();
        try {
            forward();
            if (training) {
                backward();
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
        if (training) {
            stages.forEach(DenseStage::connect);
            end.startLoss(loss.address());
            end.awaitLoss();
        }
        machine.await(CONNECT);
    }

    private void forward() {
        for (int i = 0; i < stages.size(); i++) {
            boolean last = i + 1 == stages.size();
            stages.get(i).forward();
            stages.get(i).activate(last ? end.inputs() : stages.get(i + 1).inputs(), last ? end.exactInputs() : null);
        }
        end.forward();
    }

    private void backward() {
        int top = stages.size() - 1;
        end.backward(stages.get(top));
        end.sumLoss();
        for (int i = top; i >= 0; i--) {
            stages.get(i).beginBackward();
            CudaEvent free = null;
            if (i < top) {
                // its deltas lie where the layer below gets its own
                stages.get(i + 1).finishBackward();
                free = stages.get(i + 1).updated;
            }
            stages.get(i).backward(i > 0 ? stages.get(i - 1) : null, free);
            if (i == top) {
                end.startLoss(loss.address());
            }
        }
        stages.get(0).finishBackward();
        machine.main.await(stages.get(0).updated);
        parameters.allMade();
        end.awaitLoss();
    }

    private Split inputs() {
        return stack.layers().get(0).geometry().in();
    }

    /** Width of the inputs that this rank needs. */
    long inputWidth() {
        return inputs().width(own);
    }

    /** The first of this rank's inputs among all. */
    long firstInput() {
        return inputs().offset(own.first());
    }

    /** What comes after the last dense layer. */
    NetworkEnd end() {
        return end;
    }

    long batch() {
        return batch;
    }

    /** Copies this rank's columns of host values, sample-major reals with rows {@code pitch} apart, to the inputs. */
    void loadInputs(long from, long pitch) {
        loadInputs(from, pitch, batch);
    }

    /** The same of fewer rows than a batch has: the others are numbers of no meaning. */
    void loadInputs(long from, long pitch, long rows) {
        stage(from, pitch, firstInput(), inputWidth(), rows);
        DenseStage first = stages.get(0);
        for (int i = 0; i < own.count(); i++) {
            Activations to = first.inputs().get(i);
            long offset = inputs().offset(own.first() + i) - firstInput();
            machine.kernels.loadColumns(
                    machine.main,
                    staging + offset * machine.precision.resultBytes(),
                    inputWidth(),
                    to.orders(),
                    0,
                    batch,
                    to.width());
        }
    }

    /** The same for targets. */
    void loadTargets(long from, long pitch) {
        stage(from, pitch, end.firstTarget(), end.targetWidth(), batch);
        end.loadTargets(staging, end.targetWidth());
    }

    private void stage(long from, long pitch, long first, long width, long rows) {
        int bytes = machine.precision.resultBytes();
        machine.main.copyRows(staging, width * bytes, from + first * bytes, pitch * bytes, width * bytes, rows);
    }

    /** Starts a step. */
    void start() {
        graph.launch(machine.main);
    }

    /** The loss of the last step, once it is done. */
    double loss() {
        return loss.buffer().getDouble(0);
    }

    /** Bytes that this rank sends in a step. */
    long bytesSent() {
        return bytesSent;
    }

    /** Multiply-adds of this rank's products in a step, as counted while it was recorded. */
    long multiplyAdds() {
        return multiplyAdds;
    }

    /** Kernels, copies and collectives of a step. */
    long nodes() {
        return graph.nodes();
    }

    @Override
    public void close() {
        graph.close();
        loss.close();
    }
}
