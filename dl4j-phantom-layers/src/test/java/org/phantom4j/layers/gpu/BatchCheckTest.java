package org.phantom4j.layers.gpu;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;

/** What data compiled steps refuse. Needs no GPU. */
class BatchCheckTest {

    private static INDArray array(long... shape) {
        return Nd4j.ones(DataType.FLOAT, shape);
    }

    private static String refusal(DataSet batch) {
        return assertThrows(IllegalArgumentException.class, () -> BatchCheck.require(batch))
                .getMessage();
    }

    @Test
    void aWholeBatchIsTaken() {
        assertDoesNotThrow(() -> BatchCheck.require(new DataSet(array(5, 3), array(5, 2))));
    }

    @Test
    void masksAreNamed() {
        String remedy = ", which compiled steps would leave out: train with network.fit, or remove it with ";
        assertEquals(
                "the batch has a features mask of shape [5, 1]" + remedy
                        + "setFeaturesMaskArray(null) if every row counts",
                refusal(new DataSet(array(5, 3), array(5, 2), array(5, 1), null)));
        assertEquals(
                "the batch has a labels mask of shape [5, 2]" + remedy + "setLabelsMaskArray(null) if every row counts",
                refusal(new DataSet(array(5, 3), array(5, 2), null, array(5, 2))));
    }

    @Test
    void rowsWithoutLabelsAreNamed() {
        assertEquals(
                "a batch with 5 rows of features has 4 rows of labels", refusal(new DataSet(array(5, 3), array(4, 2))));
    }
}
