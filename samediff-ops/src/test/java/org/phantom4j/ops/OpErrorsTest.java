package org.phantom4j.ops;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.CustomOp;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.comm.LocalRanks;
import org.phantom4j.ops.RandomLayer.Layout;

class OpErrorsTest {

    private static final PhantomGeometry GEOMETRY = new PhantomGeometry(8, 6, 2, 3);

    private final RandomLayer layer = new RandomLayer(GEOMETRY, 5, Layout.F, DataType.DOUBLE, 31);

    private static String message(CustomOp op) {
        return assertThrows(IllegalArgumentException.class, () -> Nd4j.exec(op)).getMessage();
    }

    private INDArray[] inputsWith(int index, INDArray array) {
        INDArray[] inputs = layer.forwardInputs(layer.all());
        inputs[index] = array;
        return inputs;
    }

    private static INDArray zeros(long... shape) {
        return Nd4j.zeros(DataType.DOUBLE, shape);
    }

    private String forwardMessage(int index, INDArray array) {
        return message(new PhantomDense(GEOMETRY, inputsWith(index, array), null));
    }

    @Test
    void shapesOfPhantomDense() {
        assertEquals("phantom_dense: x must have shape [5, 8], not [5, 7]", forwardMessage(0, zeros(5, 7)));
        assertEquals("phantom_dense: L of shard 0 must have shape [4, 3], not [3, 4]", forwardMessage(1, zeros(3, 4)));
        assertEquals("phantom_dense: C of shard 0 must have shape [4, 3], not [4, 2]", forwardMessage(2, zeros(4, 2)));
        assertEquals("phantom_dense: D of shard 1 must have shape [3, 3], not [3, 4]", forwardMessage(7, zeros(3, 4)));
        assertEquals("phantom_dense: b of shard 1 must have shape [3], not [1, 4]", forwardMessage(8, zeros(1, 4)));
    }

    @Test
    void shapesOfTheBackwardPass() {
        INDArray[] inputs = layer.backwardInputs(layer.all(), zeros(5, 5));
        assertEquals(
                "phantom_dense_bp: g must have shape [5, 6], not [5, 5]",
                message(new PhantomDenseBp(GEOMETRY, inputs, null, true)));
        inputs[1] = zeros(5, 6);
        inputs[2] = zeros(4, 6);
        assertEquals(
                "phantom_dense_bp: the gradient of z must have shape [5, 6], not [4, 6]",
                message(new PhantomDenseBp(GEOMETRY, inputs, null, false)));
    }

    @Test
    void shapesOfTensorParallelDense() {
        INDArray[] inputs = {zeros(5, 8), zeros(8, 5), zeros(6)};
        assertEquals(
                "tensor_parallel_dense: W must have shape [8, 6], not [8, 5]",
                message(new TensorParallelDense(GEOMETRY, inputs, null)));
        INDArray[] bias = {zeros(5, 8), zeros(8, 6), zeros(5)};
        assertEquals(
                "tensor_parallel_dense: b must have shape [6], not [5]",
                message(new TensorParallelDense(GEOMETRY, bias, null)));
        INDArray[] backward = {zeros(5, 7), zeros(5, 6), zeros(8, 6), zeros(6)};
        assertEquals(
                "tensor_parallel_dense_bp: X must have shape [5, 8], not [5, 7]",
                message(new TensorParallelDenseBp(GEOMETRY, backward, null, true)));
    }

    @Test
    void shapesOfCollectives() {
        assertEquals(
                "all_gather: x must have shape [2, 8], not [2, 7]", message(new AllGather(8, 2, zeros(2, 7), null)));
        assertEquals(
                "reduce_scatter: x must have shape [2, 8], not [2, 9]",
                message(new ReduceScatter(8, 2, zeros(2, 9), null)));
    }

    @Test
    void shapesAndNumberOfGivenOutputs() {
        INDArray[] inputs = layer.forwardInputs(layer.all());
        assertEquals(
                "phantom_dense: output 1 must have shape [5, 6], not [6, 5]",
                message(new PhantomDense(GEOMETRY, inputs, new INDArray[] {zeros(5, 6), zeros(6, 5)})));
        assertEquals(
                "phantom_dense has 2 outputs but was given 1",
                message(new PhantomDense(GEOMETRY, inputs, new INDArray[] {zeros(5, 6)})));
    }

    @Test
    void typesMustBeOneThatIsSupported() {
        assertEquals(
                "phantom_dense: input 3 is FLOAT but input 0 is DOUBLE: all inputs must be of one type",
                forwardMessage(3, zeros(3, 3).castTo(DataType.FLOAT)));
        INDArray[] integers = Arrays.stream(layer.forwardInputs(layer.all()))
                .map(each -> each.castTo(DataType.INT64))
                .toArray(INDArray[]::new);
        assertEquals(
                "phantom_dense computes in FLOAT or DOUBLE, not LONG",
                message(new PhantomDense(GEOMETRY, integers, null)));
    }

    @Test
    void inputsMustBeAllThere() {
        INDArray[] inputs = layer.forwardInputs(layer.all());
        assertEquals(
                "phantom_dense takes 9 inputs on this rank, not 8",
                message(new PhantomDense(GEOMETRY, Arrays.copyOf(inputs, 8), null)));
        assertEquals(
                "tensor_parallel_dense takes 3 inputs on this rank, not 2",
                message(new TensorParallelDense(GEOMETRY, new INDArray[] {zeros(5, 8), zeros(8, 6)}, null)));
    }

    @Test
    void ranksMustDivideTheShards() {
        Exception e = assertThrows(
                IllegalArgumentException.class,
                () -> LocalRanks.run(
                        3,
                        Duration.ofMinutes(2),
                        group -> new PhantomDense(GEOMETRY, layer.forwardInputs(layer.all()), null)));
        assertTrue(e.getMessage().startsWith("2 shards cannot be spread over 3 ranks"), e.getMessage());
    }

    @Test
    void anOpMadeForAnotherRankIsRefused() throws Exception {
        PhantomDense op = LocalRanks.run(
                        2,
                        Duration.ofMinutes(2),
                        group -> new PhantomDense(
                                GEOMETRY, layer.forwardInputs(ShardRange.of(group.rank(), 2, 2)), null))
                .get(1);
        IllegalStateException e = assertThrows(IllegalStateException.class, () -> Nd4j.exec(op));
        assertEquals(
                "phantom_dense was made for shards 1 to 1 but rank 0 of 1 owns 0 to 1: make the graph on the rank that"
                        + " runs it",
                e.getMessage());
    }
}
