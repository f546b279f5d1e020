package org.phantom4j.layers.gpu.program;

import com.sun.jna.Pointer;
import java.nio.ByteBuffer;
import java.time.Duration;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.comm.DenseArrays;
import org.phantom4j.comm.cuda.CudaEvent;
import org.phantom4j.comm.cuda.PinnedMemory;
import org.phantom4j.layers.gpu.device.DeviceArena;
import org.phantom4j.layers.gpu.device.GpuMachine;
import org.phantom4j.layers.gpu.parameters.DeviceParameters;
import org.phantom4j.layers.gpu.parameters.HostParameters;
import org.phantom4j.layers.gpu.plan.Stack;
import org.phantom4j.ops.ShardRange;
import org.phantom4j.ops.gpu.Precision;
import org.phantom4j.ops.gpu.StepControls;

/**
 * A network's outputs of any number of rows, computed in batches of one size: while the device computes one, the host takes what
 * the one before has given.
 */
public final class ForwardPass implements AutoCloseable {

    /** Batches under way. */
    private static final int SLOTS = 2;

    private final GpuMachine machine;
    private final StepProgram program;
    private final DeviceArena arena;
    private final long inputs;
    private final long firstInput;
    private final long outputs;
    private final long staging;
    private final PinnedMemory[] results = new PinnedMemory[SLOTS];
    private final CudaEvent[] arrived = new CudaEvent[SLOTS];
    private final Duration timeout;

    /** Records the pass. A collective: every rank calls it. */
    public ForwardPass(
            GpuMachine machine,
            Stack stack,
            DeviceParameters parameters,
            ShardRange own,
            long batch,
            Duration timeout) {
        this.machine = machine;
        this.timeout = timeout;
        this.inputs = stack.layers().get(0).geometry().nIn();
        this.firstInput = stack.layers().get(0).geometry().in().offset(own.first());
        this.outputs = stack.end().width();
        this.program = new StepProgram(machine, stack, parameters, own, batch, null);
        this.arena = new DeviceArena(machine);
        try {
            this.staging = arena.allocateReals(program.capacity() * program.inputWidth());
            for (int i = 0; i < SLOTS; i++) {
                results[i] = arena.own(PinnedMemory.allocate(program.capacity() * outputs * bytes()));
                arrived[i] = arena.event();
            }
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    private long bytes() {
        return machine.precision.resultBytes();
    }

    /** Outputs of whole features, [rows, nIn], on every rank: [rows, nOut]. A collective. */
    public INDArray outputs(INDArray features) {
        HostRows from = HostRows.of(features, machine.precision, inputs, "features");
        long rows = features.size(0);
        DataType type = machine.precision == Precision.FP64 ? DataType.DOUBLE : DataType.FLOAT;
        INDArray all = Nd4j.createUninitialized(type, new long[] {rows, outputs}, 'c');
        long batch = program.capacity();
        long batches = (rows + batch - 1) / batch;
        for (long i = 0; i < batches + SLOTS - 1; i++) {
            if (i < batches) {
                start(from, i, Math.min(batch, rows - i * batch));
            }
            long done = i - SLOTS + 1;
            if (done >= 0) {
                take(all, done, Math.min(batch, rows - done * batch));
            }
        }
        HostParameters.written(all);
        return all;
    }

    private void start(HostRows from, long number, long count) {
        int slot = (int) (number % SLOTS);
        from.copy(machine, staging, number * program.capacity(), count, firstInput, program.inputWidth());
        program.start(new StepControls.Batch(staging, program.inputWidth(), 0, 0, 0, 0, (int) count), 0);
        machine.main.copy(results[slot].address(), program.outputs(), count * outputs * bytes());
        arrived[slot].record(machine.main);
    }

    private void take(INDArray all, long number, long count) {
        int slot = (int) (number % SLOTS);
        machine.await(arrived[slot], timeout);
        int length = Math.toIntExact(count * outputs * bytes());
        long to = DenseArrays.hostAddress(all) + number * program.capacity() * outputs * bytes();
        ByteBuffer result = results[slot].buffer();
        new Pointer(to).getByteBuffer(0, length).put(result.limit(length));
    }

    /** Bytes of device memory that it holds. */
    public long deviceBytes() {
        return program.deviceBytes() + arena.bytes();
    }

    @Override
    public void close() {
        arena.close();
        program.close();
    }
}
