package org.phantom4j.layers.gpu.program;

import java.util.Arrays;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.phantom4j.comm.DenseArrays;
import org.phantom4j.layers.gpu.device.GpuMachine;
import org.phantom4j.ops.gpu.Precision;

/** An array's rows in host memory, one behind the other, of the type that a device's results have. */
public final class HostRows {

    private final INDArray rows;
    private final int bytes;

    private HostRows(INDArray rows, int bytes) {
        this.rows = rows;
        this.bytes = bytes;
    }

    /** Of [B, width]; a copy only where the array is of another type or order. */
    public static HostRows of(INDArray array, Precision precision, long width, String what) {
        if (array.rank() != 2 || array.size(1) != width) {
            throw new IllegalArgumentException(
                    what + " have shape " + Arrays.toString(array.shape()) + ": expected [batch, " + width + "]");
        }
        INDArray typed = array.castTo(precision == Precision.FP64 ? DataType.DOUBLE : DataType.FLOAT);
        boolean rowsFollow = typed.stride(1) == 1 || typed.size(1) == 1;
        return new HostRows(rowsFollow ? typed : typed.dup('c'), precision.resultBytes());
    }

    /**
     * Copies some columns of some rows to the device, behind one another, in the main stream's order. The host's array may change
     * when this has returned.
     */
    public void copy(GpuMachine machine, long to, long firstRow, long count, long firstColumn, long columns) {
        long pitch = (rows.size(0) == 1 ? rows.size(1) : rows.stride(0)) * bytes;
        long from = DenseArrays.hostAddress(rows) + firstRow * pitch + firstColumn * bytes;
        machine.main.copyRows(to, columns * bytes, from, pitch, columns * bytes, count);
    }
}
