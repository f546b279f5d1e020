package org.phantom4j.layers.gpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.time.Duration;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.phantom4j.comm.cuda.CudaDevice;
import org.phantom4j.comm.cuda.DeviceGroup;
import org.phantom4j.layers.gpu.GpuTrainerTest.Case;
import org.phantom4j.layers.train.RankNetwork;
import org.phantom4j.ops.gpu.Precision;

/** The compiled forward pass against Deeplearning4j's outputs on the CPU. Skipped without a GPU. */
class GpuPredictorTest {

    @BeforeAll
    static void needsGpu() {
        assumeTrue(CudaDevice.count() > 0, "there is no CUDA device here");
    }

    private static GpuOptions options(Precision precision) {
        return new GpuOptions(0, precision, Duration.ofSeconds(60));
    }

    @ParameterizedTest
    @MethodSource("org.phantom4j.layers.gpu.GpuTrainerTest#cases")
    void predictsAsDeeplearning4jDoes(Case each) {
        // ND4J computes a leaky ReLU's slope as a float
        assertOutputs(each, Precision.FP64, each.activation() == Activation.LEAKYRELU ? 1e-8 : 1e-10);
        assertOutputs(each, Precision.FP32, 1e-5);
        assertOutputs(each, Precision.TF32, 1e-2);
        assertOutputs(each, Precision.BF16, 4e-2);
    }

    /** Batches that do not divide the rows, one alone, and one larger than all. */
    private static void assertOutputs(Case each, Precision precision, double bound) {
        DataType type = precision == Precision.FP64 ? DataType.DOUBLE : DataType.FLOAT;
        MultiLayerNetwork network = RankNetwork.create(each.configuration(type));
        INDArray features = each.data(type, 67, 3).getFeatures();
        INDArray expected = network.output(features);
        for (int batch : new int[] {1, 32, 100}) {
            try (GpuPredictor predictor = new GpuPredictor(network, DeviceGroup.single(), options(precision), batch)) {
                assertNear(expected, predictor.output(features), bound, precision + ", batch " + batch);
                assertNear(expected, predictor.output(features.dup('f')), bound, precision + ", columns first");
            }
        }
    }

    @ParameterizedTest
    @MethodSource("org.phantom4j.layers.gpu.GpuTrainerTest#cases")
    void aTrainersOutputsAreOfItsParameters(Case each) {
        MultiLayerNetwork network = RankNetwork.create(each.configuration(DataType.DOUBLE));
        INDArray features = each.data(DataType.DOUBLE, 300, 3).getFeatures();
        try (GpuTrainer trainer = new GpuTrainer(network, DeviceGroup.single(), options(Precision.FP64))) {
            for (int step = 0; step < 3; step++) {
                trainer.fit(each.data(DataType.DOUBLE, each.batch(), step));
                INDArray outputs = trainer.output(features);
                trainer.store();
                assertNear(network.output(features), outputs, 1e-8, "step " + step);
            }
        }
    }

    private static void assertNear(INDArray expected, INDArray actual, double bound, String what) {
        assertArrayEquals(expected.shape(), actual.shape(), what);
        double scale = expected.amaxNumber().doubleValue();
        double error = expected.sub(actual).amaxNumber().doubleValue() / scale;
        assertTrue(error < bound, what + ": outputs differ by " + error + " of the largest");
    }
}
