package org.phantom4j.layers;

import java.util.Arrays;
import org.deeplearning4j.nn.weights.IWeightInit;
import org.deeplearning4j.nn.weights.WeightInitIdentity;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The part of an identity matrix that a shard has. What all other weight initialisations draw does not depend on the place.
 */
final class IdentityBlock implements IWeightInit {

    private static final long serialVersionUID = 1L;

    private final long row;
    private final long column;
    private final double scale;

    private IdentityBlock(long row, long column, double scale) {
        this.row = row;
        this.column = column;
        this.scale = scale;
    }

    /**
     * How the block of a matrix [rows, columns] that begins at a row and a column is initialised.
     *
     * @throws IllegalStateException for IDENTITY if the matrix is not square, as Deeplearning4j does
     */
    static IWeightInit of(IWeightInit init, long rows, long columns, long row, long column) {
        if (!(init instanceof WeightInitIdentity)) {
            return init;
        }
        if (rows != columns) {
            throw new IllegalStateException("Cannot use IDENTITY init with parameters of shape "
                    + Arrays.toString(new long[] {rows, columns}) + ": weights must be a square matrix for identity");
        }
        // the scale has no getter: it is what the identity of one neuron is
        INDArray one = init.init(1, 1, new long[] {1, 1}, 'f', Nd4j.create(DataType.DOUBLE, 1));
        return new IdentityBlock(row, column, one.getDouble(0));
    }

    @Override
    public INDArray init(double fanIn, double fanOut, long[] shape, char order, INDArray view) {
        view.assign(0);
        INDArray block = view.reshape(order, shape);
        long end = Math.min(row + shape[0], column + shape[1]);
        for (long i = Math.max(row, column); i < end; i++) {
            block.putScalar(i - row, i - column, scale);
        }
        return block;
    }
}
