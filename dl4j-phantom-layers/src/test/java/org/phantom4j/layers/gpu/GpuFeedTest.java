package org.phantom4j.layers.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.deeplearning4j.datasets.iterator.ExistingDataSetIterator;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.preprocessor.NormalizerStandardize;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.phantom4j.comm.RankContext;
import org.phantom4j.comm.cuda.CudaDevice;
import org.phantom4j.comm.cuda.DeviceGroup;
import org.phantom4j.layers.PhantomDenseLayer;
import org.phantom4j.layers.ShardedOutputLayer;
import org.phantom4j.layers.train.RankNetwork;
import org.phantom4j.layers.train.SampleTraining;
import org.phantom4j.layers.train.StepListener;
import org.phantom4j.layers.train.StepTrainer;
import org.phantom4j.ops.gpu.Precision;

/** Compiled trainings on iterators and on samples against Deeplearning4j's own, in double precision. Skipped without a GPU. */
class GpuFeedTest {

    private static final double TOLERANCE = 1e-9;
    private static final int SAMPLES = 103;

    @BeforeAll
    static void needsGpu() {
        assumeTrue(CudaDevice.count() > 0, "there is no CUDA device here");
    }

    private static MultiLayerNetwork network(IUpdater updater) {
        MultiLayerConfiguration configuration = new NeuralNetConfiguration.Builder()
                .seed(7)
                .dataType(DataType.DOUBLE)
                .updater(updater)
                .list()
                .layer(new PhantomDenseLayer.Builder()
                        .nOut(29)
                        .shards(4)
                        .phantomWidth(3)
                        .activation(Activation.TANH)
                        .build())
                .layer(new ShardedOutputLayer.Builder(LossFunction.MCXENT)
                        .nOut(5)
                        .shards(2)
                        .activation(Activation.SOFTMAX)
                        .build())
                .setInputType(InputType.feedForward(17))
                .build();
        return RankContext.runAlone(() -> RankNetwork.create(configuration));
    }

    private static DataSet samples() {
        Nd4j.getRandom().setSeed(3);
        INDArray labels = Nd4j.zeros(DataType.DOUBLE, SAMPLES, 5);
        for (int i = 0; i < SAMPLES; i++) {
            labels.putScalar(i, i * 7 % 5, 1);
        }
        return new DataSet(Nd4j.randn(DataType.DOUBLE, SAMPLES, 17), labels);
    }

    private static GpuTrainer trainer(MultiLayerNetwork network) {
        return new GpuTrainer(network, DeviceGroup.single(), new GpuOptions(0, Precision.FP64, Duration.ofMinutes(1)));
    }

    private static void assertClose(INDArray expected, INDArray actual) {
        double error = expected.sub(actual).norm2Number().doubleValue();
        double size = expected.norm2Number().doubleValue();
        assertTrue(error <= TOLERANCE * size, "relative error " + error / size);
    }

    @Test
    void anIteratorsEpochsAreThoseOfTheLayers() {
        List<DataSet> batches = samples().batchBy(16);
        assertEquals(7, batches.get(6).numExamples());
        NormalizerStandardize normalizer = new NormalizerStandardize();
        normalizer.fit(samples());
        MultiLayerNetwork expected = network(new Adam(0.01));
        MultiLayerNetwork actual = network(new Adam(0.01));
        ExistingDataSetIterator iterator = new ExistingDataSetIterator(batches);
        for (int epoch = 0; epoch < 3; epoch++) {
            for (DataSet batch : batches) {
                expected.fit(batch);
            }
        }
        try (GpuTrainer trainer = trainer(actual)) {
            trainer.fit(iterator, 2);
            trainer.fit(iterator, 1);
            assertEquals(expected.score(), trainer.score(), TOLERANCE);
            trainer.store();
        }
        assertClose(expected.params(), actual.params());
        assertEquals(21, actual.getIterationCount());
        assertEquals(3, actual.getEpochCount());
    }

    @Test
    void samplesAreTrainedOnAsByTheLayers() {
        DataSet samples = samples();
        MultiLayerNetwork expected = network(new Sgd(0.3));
        MultiLayerNetwork actual = network(new Sgd(0.3));
        List<Double> expectedLosses = new ArrayList<>();
        List<Double> losses = new ArrayList<>();
        StepTrainer layers = StepTrainer.ofLayers(expected, RankContext.runAlone(RankContext::current));
        try (GpuTrainer trainer = trainer(actual);
                SampleTraining byLayers = layers.on(samples.getFeatures(), samples.getLabels(), 10, 42)) {
            SampleTraining fed = trainer.on(samples.getFeatures(), samples.getLabels(), 10, 42);
            double unused = byLayers.steps(200, (step, loss) -> expectedLosses.add(loss));
            assertTrue(
                    fed.feed().orElseThrow().startsWith("resident"), fed.feed().orElseThrow());
            unused = fed.steps(1, (step, loss) -> losses.add(loss));
            assertEquals(1, losses.size());
            assertEquals(losses.get(0), fed.steps(0, StepListener.NONE));
            unused = fed.steps(199, (step, loss) -> losses.add(loss));
            trainer.store();
            long withSamples = trainer.deviceBytes();
            fed.close();
            assertTrue(trainer.deviceBytes() < withSamples, "the samples are freed");
        }
        assertEquals(200, losses.size());
        for (int i = 0; i < losses.size(); i++) {
            assertEquals(expectedLosses.get(i), losses.get(i), 1e-8, "step " + i);
        }
        assertClose(expected.params(), actual.params());
    }

    @Test
    void aTrainingThatDivergesEndsSoonAfter() {
        DataSet samples = samples();
        samples.getFeatures().muli(1e200);
        MultiLayerNetwork network = network(new Sgd(1e200));
        try (GpuTrainer trainer = trainer(network);
                SampleTraining fed = trainer.on(samples.getFeatures(), samples.getLabels(), 10, 42)) {
            ArithmeticException e = assertThrows(ArithmeticException.class, () -> fed.steps(10_000, StepListener.NONE));
            assertTrue(e.getMessage().contains("the training diverged"), e.getMessage());
            long failed = trainer.failedStep().orElseThrow();
            assertTrue(e.getMessage().startsWith("the loss of step " + (failed - 1) + " is"), e.getMessage());
            assertTrue(
                    network.getIterationCount() < failed + 100,
                    "step " + failed + " failed, and " + network.getIterationCount() + " were made");
        }
    }

    @Test
    void whatAnIteratorThrowsEndsTheTrainingAfterTheStepsBefore() {
        List<DataSet> batches = new ArrayList<>(samples().batchBy(16));
        batches.get(3).setLabelsMaskArray(Nd4j.ones(DataType.DOUBLE, 16, 1));
        MultiLayerNetwork network = network(new Sgd(0.1));
        try (GpuTrainer trainer = trainer(network)) {
            IllegalArgumentException e = assertThrows(
                    IllegalArgumentException.class, () -> trainer.fit(new ExistingDataSetIterator(batches), 1));
            assertTrue(e.getMessage().startsWith("batch 3 of epoch 0 has a mask of its labels"), e.getMessage());
            assertEquals(3, network.getIterationCount());
            assertTrue(Double.isFinite(trainer.score()));
        }
    }
}
