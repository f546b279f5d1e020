package org.phantom4j.layers.matrix;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.phantom4j.layers.PhantomDenseLayer;
import org.phantom4j.ops.Split;

/**
 * A phantom layer beside the dense layer that it is: blocks L_j on the diagonal, C_i·D_ij off it. Scores, outputs and the other
 * layers' gradients are the same; its own gradients follow from the dense matrix's by the chain rule.
 */
class AssembledGradientTest {

    private static final int IN = 9;
    private static final int OUT = 11;

    private static MultiLayerNetwork network(Layer middle) {
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder()
                .seed(3)
                .dataType(DataType.DOUBLE)
                .activation(Activation.TANH)
                .list()
                .layer(new DenseLayer.Builder().nOut(IN).build())
                .layer(middle)
                .layer(new OutputLayer.Builder(LossFunction.MSE)
                        .nOut(4)
                        .activation(Activation.IDENTITY)
                        .build())
                .setInputType(InputType.feedForward(5))
                .build());
        network.init();
        return network;
    }

    /** The rows of shard i and the columns of shard j. */
    private static INDArray block(INDArray whole, int i, int j, int shards) {
        Split in = new Split(IN, shards);
        Split out = new Split(OUT, shards);
        return whole.get(
                NDArrayIndex.interval(in.offset(i), in.offset(i) + in.width(i)),
                NDArrayIndex.interval(out.offset(j), out.offset(j) + out.width(j)));
    }

    /** The rows of D_j that take the phantom activations of shard i. */
    private static INDArray decompressor(Map<String, INDArray> table, int i, int j, int k) {
        int first = (i < j ? i : i - 1) * k;
        return table.get("D" + j).get(NDArrayIndex.interval(first, first + k), NDArrayIndex.all());
    }

    private static INDArray assemble(Map<String, INDArray> table, int shards, int k) {
        INDArray whole = Nd4j.create(DataType.DOUBLE, IN, OUT);
        for (int i = 0; i < shards; i++) {
            for (int j = 0; j < shards; j++) {
                INDArray value =
                        i == j ? table.get("L" + j) : table.get("C" + i).mmul(decompressor(table, i, j, k));
                block(whole, i, j, shards).assign(value);
            }
        }
        return whole;
    }

    private static void assertClose(INDArray expected, INDArray actual, String what) {
        assertEquals(expected.length(), actual.length(), what);
        INDArray difference =
                expected.dup('c').reshape(expected.length()).sub(actual.dup('c').reshape(actual.length()));
        assertTrue(difference.amaxNumber().doubleValue() < 1e-10, what + ": " + difference.toStringFull());
    }

    @ParameterizedTest
    @CsvSource({"2,1,TANH", "2,3,RELU", "3,2,SIGMOID", "4,1,IDENTITY", "4,2,TANH", "9,2,ELU"})
    void gradientsFollowByTheChainRule(int shards, int k, Activation activation) {
        MultiLayerNetwork phantom = network(new PhantomDenseLayer.Builder()
                .nOut(OUT)
                .shards(shards)
                .phantomWidth(k)
                .activation(activation)
                .build());
        MultiLayerNetwork dense = network(
                new DenseLayer.Builder().nOut(OUT).activation(activation).build());
        Map<String, INDArray> table = phantom.getLayer(1).paramTable();
        dense.getLayer(1).setParam("W", assemble(table, shards, k));
        for (int layer : new int[] {0, 2}) {
            dense.getLayer(layer).setParams(phantom.getLayer(layer).params().dup());
        }
        Nd4j.getRandom().setSeed(5);
        INDArray x = Nd4j.randn(DataType.DOUBLE, 7, 5);
        INDArray y = Nd4j.randn(DataType.DOUBLE, 7, 4);
        for (MultiLayerNetwork network : new MultiLayerNetwork[] {phantom, dense}) {
            network.setInput(x.dup());
            network.setLabels(y.dup());
            network.computeGradientAndScore();
        }
        assertEquals(dense.score(), phantom.score(), 1e-12);
        assertClose(dense.output(x.dup()), phantom.output(x.dup()), "output");
        Map<String, INDArray> expected = dense.gradient().gradientForVariable();
        Map<String, INDArray> actual = phantom.gradient().gradientForVariable();
        for (String other : new String[] {"0_W", "0_b", "2_W", "2_b"}) {
            assertClose(expected.get(other), actual.get(other), other);
        }
        INDArray whole = expected.get("1_W");
        INDArray biases = expected.get("1_b").reshape(OUT);
        Split out = new Split(OUT, shards);
        for (int i = 0; i < shards; i++) {
            assertClose(block(whole, i, i, shards), actual.get("1_L" + i), "L" + i);
            assertClose(
                    biases.get(NDArrayIndex.interval(out.offset(i), out.offset(i) + out.width(i))),
                    actual.get("1_b" + i),
                    "b" + i);
            INDArray compressor = table.get("C" + i);
            INDArray gradient = compressor.like();
            for (int j = 0; j < shards; j++) {
                if (j != i) {
                    INDArray outer = block(whole, i, j, shards).dup();
                    gradient.addi(outer.mmul(decompressor(table, i, j, k).transpose()));
                    int first = (i < j ? i : i - 1) * k;
                    assertClose(
                            compressor.transpose().mmul(outer),
                            actual.get("1_D" + j).get(NDArrayIndex.interval(first, first + k), NDArrayIndex.all()),
                            "D" + i + "," + j);
                }
            }
            assertClose(gradient, actual.get("1_C" + i), "C" + i);
        }
    }
}
