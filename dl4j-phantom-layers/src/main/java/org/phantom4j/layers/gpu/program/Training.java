package org.phantom4j.layers.gpu.program;

import java.time.Duration;
import java.util.List;
import org.phantom4j.layers.gpu.device.DeviceArena;
import org.phantom4j.layers.gpu.device.GpuMachine;
import org.phantom4j.layers.gpu.feed.FeedDevice;
import org.phantom4j.layers.gpu.feed.RankColumns;
import org.phantom4j.layers.gpu.parameters.DeviceParameters;
import org.phantom4j.layers.gpu.plan.Stack;
import org.phantom4j.ops.ShardRange;
import org.phantom4j.ops.gpu.StepControls;
import org.phantom4j.ops.gpu.StepLog;

/**
 * Steps of one rank's training, started one after the other: nothing here waits for the device, but where more steps are under
 * way than {@link #MOST_UNDER_WAY}, or when something is asked for that is not there yet. Belongs to the rank's thread.
 */
public final class Training implements AutoCloseable {

    /** Steps that the device may be behind the host. */
    public static final int MOST_UNDER_WAY = 64;

    private final GpuMachine machine;
    private final Stack stack;
    private final ShardRange own;
    private final Duration timeout;
    private final StepLog log;
    private final StepPrograms programs;
    private StepProgram last;
    private long started;

    /** Room for a batch that comes from the host. */
    private DeviceArena slots;

    private long slotRows;
    private long inputs;
    private long targets;

    /**
     * Of parameters that are on the device.
     *
     * @param timeout the longest wait for steps that are under way
     */
    public Training(GpuMachine machine, Stack stack, ShardRange own, DeviceParameters parameters, Duration timeout) {
        this.machine = machine;
        this.stack = stack;
        this.own = own;
        this.timeout = timeout;
        this.log = new StepLog();
        this.programs = new StepPrograms(
                rows -> new StepProgram(machine, stack, parameters, own, rows, log), () -> machine.await(timeout));
        this.slots = new DeviceArena(machine);
    }

    /** Begins to count steps behind so many that were made elsewhere, of which the device has been told. */
    public void restart(long steps) {
        machine.await(timeout);
        log.restart(steps);
        started = steps;
        last = null;
    }

    /**
     * The step for a batch of so many rows, which is recorded if none suits. A collective: every rank calls it, once for each batch.
     *
     * @throws RuntimeException that names both, if another rank has a batch of another number of rows
     */
    public StepProgram program(long rows) {
        machine.group.startStep(rows);
        return programs.forRows(rows);
    }

    /**
     * Starts a step. A collective: every rank calls it with the same samples.
     *
     * @param program for the batch
     * @param batch on the device, until the step is done
     */
    public void start(StepProgram program, StepControls.Batch batch, double rate) {
        awaitRoom();
        program.start(batch, rate);
        last = program;
        started++;
    }

    private void awaitRoom() {
        if (started - log.done() >= MOST_UNDER_WAY) {
            machine.await(() -> started - log.done() < MOST_UNDER_WAY, timeout);
        }
    }

    /** The same with a batch that comes from the host: all ranks' columns. */
    public void start(StepProgram program, HostRows features, HostRows labels, long rows, double rate) {
        reserve(program);
        features.copy(machine, inputs, 0, rows, firstInput(), program.inputWidth());
        labels.copy(machine, targets, 0, rows, program.firstTarget(), program.targetWidth());
        start(
                program,
                new StepControls.Batch(
                        inputs, program.inputWidth(), targets, program.targetWidth(), 0, 0, Math.toIntExact(rows)),
                rate);
    }

    private void reserve(StepProgram program) {
        if (program.capacity() > slotRows) {
            machine.await(timeout);
            slots.close();
            slotRows = program.capacity();
            inputs = slots.allocateReals(slotRows * program.inputWidth());
            targets = slots.allocateReals(slotRows * program.targetWidth());
        }
    }

    /** The first of this rank's inputs among all. */
    public long firstInput() {
        return stack.layers().get(0).geometry().in().offset(own.first());
    }

    /** The columns of samples that this rank needs. */
    public RankColumns columns() {
        Stack.Layer first = stack.layers().get(0);
        Stack.Layer last = stack.layers().get(stack.layers().size() - 1);
        boolean all = stack.end().isOutputLayer();
        return new RankColumns(
                first.geometry().nIn(),
                firstInput(),
                first.geometry().in().width(own),
                stack.end().width(),
                all ? 0 : last.geometry().out().offset(own.first()),
                all ? stack.end().width() : last.geometry().out().width(own));
    }

    /** What brings batches to the device. */
    public FeedDevice feedDevice() {
        return new FeedDevice(
                machine.device,
                machine.main,
                machine.precision.resultBytes(),
                timeout,
                machine.group::check,
                FeedDevice.defaultThreads());
    }

    /** Waits until so many steps are done, of all that have been started. */
    public void awaitDone(long steps) {
        if (log.done() < steps) {
            machine.await(() -> log.done() >= steps, timeout);
        }
    }

    /** Steps that have been started, with those that were made elsewhere. */
    public long started() {
        return started;
    }

    /** Losses of the steps that are done. */
    public StepLog log() {
        return log;
    }

    /** The loss of the last step, before its update: that of the whole network, the same on every rank. Waits for it. */
    public double loss() {
        if (last == null) {
            throw new IllegalStateException("no step has been made yet");
        }
        awaitAll();
        return log.loss(started);
    }

    /** Waits until all steps are done. */
    public void awaitAll() {
        machine.await(timeout);
    }

    /** The last step's program; null if there was none. */
    public StepProgram last() {
        return last;
    }

    /** All steps that are recorded. */
    public List<StepProgram> recorded() {
        return programs.all();
    }

    /** Bytes of device memory for steps. */
    public long deviceBytes() {
        return slots.bytes()
                + programs.all().stream().mapToLong(StepProgram::deviceBytes).sum();
    }

    /** Waits until the steps that are under way are done, or have failed. */
    public void settle() {
        machine.settle(timeout);
    }

    /** Frees what steps need, once those that are under way are done, or have failed. */
    @Override
    public void close() {
        settle();
        programs.close();
        slots.close();
        log.close();
    }
}
