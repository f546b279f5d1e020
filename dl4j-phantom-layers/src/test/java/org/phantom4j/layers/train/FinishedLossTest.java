package org.phantom4j.layers.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.deeplearning4j.nn.conf.layers.BaseOutputLayer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.ILossFunction;
import org.nd4j.linalg.lossfunctions.impl.LossMCXENT;
import org.nd4j.linalg.lossfunctions.impl.LossMSE;
import org.nd4j.linalg.lossfunctions.impl.LossNegativeLogLikelihood;
import org.phantom4j.layers.ShardedOutputLayer;

/** The loss of finished outputs beside Deeplearning4j's, which sees what comes before the activation. */
class FinishedLossTest {

    private static BaseOutputLayer end(ILossFunction loss, Activation activation) {
        return new ShardedOutputLayer.Builder(loss)
                .nIn(3)
                .nOut(5)
                .shards(1)
                .activation(activation)
                .build();
    }

    /** Logits up to that far apart, and labels: of one class, or shares of several. */
    private static void assertAsDeeplearning4j(ILossFunction loss, Activation activation, DataType type, double gap) {
        Random random = new Random(4);
        double[][] logits = new double[40][5];
        double[][] labels = new double[40][5];
        for (int row = 0; row < logits.length; row++) {
            for (int column = 0; column < 5; column++) {
                logits[row][column] = gap * (random.nextDouble() - 0.5);
            }
            labels[row][random.nextInt(5)] = row % 2 == 0 ? 1 : 0.75;
            labels[row][row % 5] += row % 2 == 0 ? 0 : 0.25;
        }
        INDArray before = Nd4j.createFromArray(logits).castTo(type);
        INDArray wanted = Nd4j.createFromArray(labels).castTo(type);
        BaseOutputLayer end = end(loss, activation);
        double expected = loss.computeScore(wanted, before.dup(), end.getActivationFn(), null, true);
        INDArray outputs = end.getActivationFn().getActivation(before.dup(), false);
        double[] untouched = outputs.data().asDouble();
        double actual = FinishedLoss.mean(end, outputs, wanted);
        assertTrue(Double.isFinite(actual), loss + " of " + activation + ", " + gap + " apart: " + actual);
        assertEquals(expected, actual, 1e-6 * Math.max(1, Math.abs(expected)), loss + " of " + activation);
        assertArrayEquals(untouched, outputs.data().asDouble());
    }

    @ParameterizedTest
    @EnumSource(
            value = DataType.class,
            names = {"FLOAT", "DOUBLE"})
    void isFiniteAndDeeplearning4jsHoweverSureTheNetworkIs(DataType type) {
        for (double gap : new double[] {0, 1, 30, 150, 1000}) {
            assertAsDeeplearning4j(new LossMCXENT(), Activation.SOFTMAX, type, gap);
            assertAsDeeplearning4j(new LossNegativeLogLikelihood(), Activation.SOFTMAX, type, gap);
            assertAsDeeplearning4j(new LossMCXENT(1e-4, null), Activation.SOFTMAX, type, gap);
            assertAsDeeplearning4j(new LossMSE(), Activation.IDENTITY, type, gap);
            assertAsDeeplearning4j(new LossMSE(), Activation.SOFTMAX, type, gap);
        }
    }

    /** A training that has diverged must still be seen. */
    @Test
    void noNumberStaysNone() {
        INDArray outputs = Nd4j.createFromArray(new double[][] {{Double.NaN, 1, 0, 0, 0}});
        INDArray labels = Nd4j.createFromArray(new double[][] {{1, 0, 0, 0, 0}});
        double loss = FinishedLoss.mean(end(new LossMCXENT(), Activation.SOFTMAX), outputs, labels);
        assertTrue(Double.isNaN(loss), "loss " + loss);
    }
}
