package org.phantom4j.layers.gpu.feed;

import com.sun.jna.Function;
import com.sun.jna.Memory;
import com.sun.jna.NativeLibrary;
import java.nio.Buffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.phantom4j.comm.cuda.CudaDevice;
import org.phantom4j.comm.cuda.CudaStream;
import org.phantom4j.comm.cuda.DeviceMemory;
import org.phantom4j.comm.nccl.StandIn;
import org.phantom4j.ops.gpu.StepControls;

/**
 * A device of the stand-in, and a main stream that reads batches when it comes to them, not when it is given the work. Can hold that
 * stream, as a long step does.
 */
final class FakeDevice implements AutoCloseable {

    private static final Path LIBRARY = StandIn.use();

    final CudaDevice device = CudaDevice.open(0);
    final CudaStream main = CudaStream.create();
    private final int realBytes;
    private final long freeBefore = device.freeBytes();
    private final List<Read> reads = new ArrayList<>();
    private final Memory released = new Memory(Integer.BYTES);

    /** What the stream copies of a batch when it comes to it: rows, or their numbers. */
    private record Read(StepControls.Batch batch, Memory inputs, Memory targets, Memory order) {}

    FakeDevice(int realBytes) {
        this.realBytes = realBytes;
        released.clear();
    }

    FeedDevice feedDevice(Duration timeout, int threads) {
        return new FeedDevice(device, main, realBytes, timeout, () -> {}, threads);
    }

    FeedDevice feedDevice() {
        return feedDevice(Duration.ofMinutes(2), 2);
    }

    /** The main stream's later work waits for {@link #release}. */
    void hold() {
        Function hold = NativeLibrary.getInstance(LIBRARY.toString()).getFunction("standin_hold");
        released.setInt(0, 0);
        hold.invokeInt(new Object[] {main.handle(), released});
    }

    void release() {
        released.setInt(0, 1);
    }

    /** Gives the main stream a step that reads a batch. */
    void read(StepControls.Batch batch) {
        Memory inputs = new Memory(batch.rows() * batch.inputPitch() * realBytes);
        Memory targets = batch.targets() == 0 ? null : new Memory(batch.rows() * batch.targetPitch() * realBytes);
        Memory order = batch.order() == 0 ? null : new Memory((long) batch.rows() * Integer.BYTES);
        if (order != null) {
            main.copy(
                    DeviceMemory.addressOf(order), batch.order() + (long) batch.first() * Integer.BYTES, order.size());
        } else {
            long first = batch.first();
            main.copy(
                    DeviceMemory.addressOf(inputs),
                    batch.inputs() + first * batch.inputPitch() * realBytes,
                    inputs.size());
            if (targets != null) {
                main.copy(
                        DeviceMemory.addressOf(targets),
                        batch.targets() + first * batch.targetPitch() * realBytes,
                        targets.size());
            }
        }
        reads.add(new Read(batch, inputs, targets, order));
    }

    /** All batches that were read, in turn: for each sample its inputs and then its targets. */
    List<double[][]> batches() {
        synchronize();
        List<double[][]> batches = new ArrayList<>();
        for (Read read : reads) {
            StepControls.Batch batch = read.batch();
            if (read.order() != null) {
                pickRows(read, batch.inputs(), batch.inputPitch(), read.inputs());
                if (read.targets() != null) {
                    pickRows(read, batch.targets(), batch.targetPitch(), read.targets());
                }
            }
            double[][] rows = new double[batch.rows()][];
            for (int i = 0; i < rows.length; i++) {
                int in = (int) batch.inputPitch();
                int out = read.targets() == null ? 0 : (int) batch.targetPitch();
                rows[i] = new double[in + out];
                copy(read.inputs(), i * in, in, rows[i], 0);
                if (out > 0) {
                    copy(read.targets(), i * out, out, rows[i], in);
                }
            }
            batches.add(rows);
        }
        return batches;
    }

    private void pickRows(Read read, long from, long pitch, Memory to) {
        long bytes = pitch * realBytes;
        for (int i = 0; i < read.batch().rows(); i++) {
            long row = read.order().getInt((long) i * Integer.BYTES);
            main.copy(DeviceMemory.addressOf(to) + i * bytes, from + row * bytes, bytes);
        }
        synchronize();
    }

    private void copy(Memory from, int at, int count, double[] to, int start) {
        Buffer values = realBytes == Double.BYTES
                ? from.getByteBuffer(0, from.size())
                        .order(ByteOrder.nativeOrder())
                        .asDoubleBuffer()
                : from.getByteBuffer(0, from.size())
                        .order(ByteOrder.nativeOrder())
                        .asFloatBuffer();
        for (int i = 0; i < count; i++) {
            to[start + i] =
                    values instanceof DoubleBuffer doubles ? doubles.get(at + i) : ((FloatBuffer) values).get(at + i);
        }
    }

    void synchronize() {
        if (!main.synchronize(Duration.ofMinutes(2).toNanos())) {
            throw new IllegalStateException("the main stream is not done");
        }
    }

    /** Bytes of the device and of page-locked memory that have been taken since this was made, and not freed. */
    long takenBytes() {
        return freeBefore - device.freeBytes();
    }

    @Override
    public void close() {
        release();
        main.close();
        device.close();
    }
}
