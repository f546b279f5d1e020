package org.phantom4j.layers.gpu;

import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.phantom4j.comm.DenseArrays;
import org.phantom4j.ops.gpu.Precision;

/** An array's rows in host memory, one behind the other, of the type that a device's results have. */
final class HostRows {

    private final INDArray rows;

    private HostRows(INDArray rows) {
        this.rows = rows;
    }

    /** Of [B, width]; a copy only where the array is of another type or order. */
    static HostRows of(INDArray array, Precision precision, long width) {
        GpuTrainer.requireShape(array, width, "features or labels");
        INDArray typed = array.castTo(precision == Precision.FP64 ? DataType.DOUBLE : DataType.FLOAT);
        boolean rowsFollow = typed.stride(1) == 1 || typed.size(1) == 1;
        return new HostRows(rowsFollow ? typed : typed.dup('c'));
    }

    /** Of the first row. */
    long address() {
        return DenseArrays.hostAddress(rows);
    }

    /** Elements from row to row. */
    long pitch() {
        return rows.size(0) == 1 ? rows.size(1) : rows.stride(0);
    }
}
