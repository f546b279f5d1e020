package org.phantom4j.ops.gpu;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.phantom4j.comm.cuda.CudaStream;
import org.phantom4j.comm.cuda.PinnedMemory;

/**
 * Losses of the last steps in host memory, where the device writes them: reading them waits for nothing. Belongs to the rank's
 * thread.
 */
public final class StepLog implements AutoCloseable {

    /** Losses that are kept. */
    public static final int SLOTS = 4096;

    private static final int DONE = 0;
    private static final int FAILED = 8;
    private static final int LOSSES = 16;

    private static final VarHandle LONGS = MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.nativeOrder());

    private final PinnedMemory memory = PinnedMemory.allocate(LOSSES + 8L * SLOTS);
    private final ByteBuffer buffer = memory.buffer();

    /** Empty. */
    public StepLog() {
        restart(0);
    }

    /** Forgets all losses; the next step is the one after {@code steps}. Not while the device is at work. */
    public void restart(long steps) {
        for (int i = 0; i < LOSSES + 8 * SLOTS; i += 8) {
            buffer.putLong(i, 0);
        }
        LONGS.setVolatile(buffer, DONE, steps);
    }

    /** Writes down the loss of the step that the controls count, in the stream's order. */
    public void report(Kernels kernels, CudaStream stream, StepControls controls, long loss) {
        kernels.reportLoss(stream, controls, loss, memory.address(), SLOTS);
    }

    /** The number of the last step that is done, from 1; 0: none. */
    public long done() {
        return (long) LONGS.getVolatile(buffer, DONE);
    }

    /** The number of the first step whose loss was no finite number; 0: none. */
    public long failed() {
        return (long) LONGS.getVolatile(buffer, FAILED);
    }

    /** The loss of a step that is done, and one of the last {@link #SLOTS}. */
    public double loss(long step) {
        if (step < 1 || step > done() || step <= done() - SLOTS) {
            throw new IllegalArgumentException("the loss of step " + step + " is not kept: " + done()
                    + " are done, and the last " + SLOTS + " are kept");
        }
        return buffer.getDouble(LOSSES + 8 * (int) (step % SLOTS));
    }

    /** Not before the device is done with all steps. */
    @Override
    public void close() {
        memory.close();
    }
}
