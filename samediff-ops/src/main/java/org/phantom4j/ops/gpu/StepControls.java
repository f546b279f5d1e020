package org.phantom4j.ops.gpu;

import org.phantom4j.comm.cuda.CudaStream;

/**
 * What changes from step to step, in the device's memory: recorded steps read it there.
 *
 * @param address of {@value #BYTES} bytes, zero at first
 */
public record StepControls(long address) {

    /** Bytes on the device; as in factors.cu. */
    public static final int BYTES = 80;

    private static final int STEP = 48;

    private static final int RATE = 56;
    private static final int MINUS_RATE = 64;
    private static final int ONE = 72;

    /**
     * Where a step's samples are on the device: reals, sample-major.
     *
     * @param inputs address of the first row of inputs: this rank's columns
     * @param inputPitch elements from row to row
     * @param targets address of the first row of targets; 0: there are none
     * @param targetPitch elements from row to row
     * @param order address of ints: which row is which sample; 0: one after the other
     * @param first the batch's first, in the order if there is one
     * @param rows samples of the batch
     */
    public record Batch(
            long inputs, long inputPitch, long targets, long targetPitch, long order, int first, int rows) {}

    /** Where the number of steps is, a long. */
    public long step() {
        return address + STEP;
    }

    /** Where minus the rate is, a real. */
    public long minusRate() {
        return address + MINUS_RATE;
    }

    /** Where a one is, a real. */
    public long one() {
        return address + ONE;
    }

    /**
     * Begins a step, in the stream's order: says what it works on.
     *
     * @param counts whether it is a step of the training
     */
    public void begin(Kernels kernels, CudaStream stream, Batch batch, double rate, boolean counts) {
        kernels.beginStep(stream, this, batch, rate, counts);
    }

    /** Forgets all but the number of steps: until the next begins, there are no rows, and the rate is 0. */
    public void forget(CudaStream stream) {
        stream.clear(address, STEP);
        stream.clear(address + RATE, BYTES - RATE);
    }
}
