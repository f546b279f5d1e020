package org.phantom4j.layers.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.phantom4j.comm.cuda.CudaDevice;
import org.phantom4j.comm.cuda.DeviceGroup;
import org.phantom4j.layers.PhantomDenseLayer;
import org.phantom4j.layers.ShardedLossLayer;
import org.phantom4j.layers.ShardedOutputLayer;
import org.phantom4j.layers.TensorParallelDenseLayer;
import org.phantom4j.layers.train.RankNetwork;
import org.phantom4j.ops.gpu.Precision;

/** The compiled step against Deeplearning4j's own training of the same network on the CPU. Skipped without a GPU. */
class GpuTrainerTest {

    private static final int STEPS = 6;
    private static final int FEATURES = 37;
    private static final int ALIGNED = 320;

    @BeforeAll
    static void needsGpu() {
        assumeTrue(CudaDevice.count() > 0, "there is no CUDA device here");
    }

    enum End {
        LOSS,
        SOFTMAX,
        SQUARED
    }

    /**
     * One network and how it is trained. Letters mean phantom and tensor-parallel layers; q a phantom layer in which some shards' images
     * are aligned and others' are not. A capital letter means a layer whose widths are multiples of eight.
     */
    record Case(int shards, String layers, End end, int endShards, IUpdater updater, Activation activation, int batch) {

        Case(int shards, String layers, End end, IUpdater updater, Activation activation, int batch) {
            this(shards, layers, end, shards, updater, activation, batch);
        }

        MultiLayerConfiguration configuration(DataType type) {
            List<Layer> all = new ArrayList<>();
            int width = 41;
            for (int i = 0; i < layers.length(); i++) {
                boolean aligned = Character.isUpperCase(layers.charAt(i));
                width = aligned ? ALIGNED : width;
                char kind = Character.toLowerCase(layers.charAt(i));
                all.add(
                        kind != 't'
                                ? new PhantomDenseLayer.Builder()
                                        .nOut(width)
                                        .shards(shards)
                                        .phantomWidth(kind == 'q' ? 4 : aligned ? 8 : 5)
                                        .activation(activation)
                                        .build()
                                : new TensorParallelDenseLayer.Builder()
                                        .nOut(width)
                                        .shards(shards)
                                        .activation(activation)
                                        .build());
                width += 7;
            }
            all.add(
                    switch (end) {
                        case LOSS ->
                            new ShardedLossLayer.Builder(LossFunction.MSE)
                                    .shards(shards)
                                    .build();
                        case SOFTMAX ->
                            new ShardedOutputLayer.Builder(LossFunction.MCXENT)
                                    .nOut(outputs())
                                    .shards(endShards)
                                    .activation(Activation.SOFTMAX)
                                    .build();
                        case SQUARED ->
                            new ShardedOutputLayer.Builder(LossFunction.MSE)
                                    .nOut(outputs())
                                    .shards(endShards)
                                    .activation(Activation.IDENTITY)
                                    .build();
                    });
            return new NeuralNetConfiguration.Builder()
                    .seed(7)
                    .dataType(type)
                    .updater(updater)
                    .list(all.toArray(new Layer[0]))
                    .setInputType(InputType.feedForward(features()))
                    .build();
        }

        int features() {
            return Character.isUpperCase(layers.charAt(0)) ? ALIGNED : FEATURES;
        }

        int outputs() {
            if (Character.isUpperCase(layers.charAt(0))) {
                return ALIGNED;
            }
            return end == End.LOSS ? 41 + 7 * (layers.length() - 1) : 11;
        }

        DataSet data(DataType type, int samples, int seed) {
            Nd4j.getRandom().setSeed(seed);
            INDArray x = Nd4j.randn(type, samples, features());
            INDArray y = Nd4j.randn(type, samples, outputs());
            if (end == End.SOFTMAX) {
                y = Nd4j.zeros(type, samples, outputs());
                for (int i = 0; i < samples; i++) {
                    y.putScalar(i, (i * 7 + seed) % outputs(), 1);
                }
            }
            return new DataSet(x, y);
        }
    }

    static Stream<Case> cases() {
        return Stream.of(
                new Case(2, "pp", End.LOSS, new Sgd(0.3), Activation.RELU, 33),
                new Case(1, "pp", End.LOSS, new Sgd(0.3), Activation.TANH, 8),
                new Case(3, "ppp", End.SOFTMAX, new Sgd(0.2), Activation.SIGMOID, 65),
                new Case(4, "ptp", End.LOSS, new Adam(0.01), Activation.TANH, 32),
                new Case(4, "tpt", End.SOFTMAX, new Nesterovs(0.05, 0.9), Activation.ELU, 1),
                new Case(2, "tt", End.SQUARED, new Sgd(0.2), Activation.LEAKYRELU, 40),
                new Case(2, "pt", End.SQUARED, new Adam(0.01), Activation.IDENTITY, 40),
                new Case(8, "ppp", End.SOFTMAX, 1, new Sgd(0.2), Activation.TANH, 97),
                new Case(16, "pp", End.LOSS, new Adam(0.01), Activation.SIGMOID, 7),
                new Case(5, "ptp", End.SOFTMAX, 2, new Nesterovs(0.05, 0.9), Activation.RELU, 250),
                new Case(4, "pp", End.SQUARED, 3, new Sgd(0.2), Activation.SIGMOID, 300));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void trainsAsDeeplearning4jDoes(Case each) {
        // ND4J computes a leaky ReLU's slope as a float
        assertSame(each, Precision.FP64, each.activation() == Activation.LEAKYRELU ? 1e-9 : 1e-10);
    }

    @ParameterizedTest
    @MethodSource("cases")
    void trainsInFloat(Case each) {
        assertSame(each, Precision.FP32, 2e-4);
    }

    @ParameterizedTest
    @MethodSource("cases")
    void trainsInTf32(Case each) {
        assertSame(each, Precision.TF32, 3e-2);
    }

    @ParameterizedTest
    @MethodSource("cases")
    void trainsInBfloat16(Case each) {
        assertSame(each, Precision.BF16, 1.5e-1);
    }

    @ParameterizedTest
    @MethodSource("cases")
    void trainsInBfloat16Alone(Case each) {
        assertSameOnAverage(each);
    }

    /** Widths and batches for which split weights take their steps in one pass. */
    @ParameterizedTest
    @MethodSource("alignedCases")
    void stepsSplitWeightsInOnePass(Case each) {
        assertSame(each, Precision.BF16, 5e-2);
    }

    @ParameterizedTest
    @MethodSource("alignedCases")
    void stepsRoundedWeightsInOnePass(Case each) {
        assertSameOnAverage(each);
    }

    static Stream<Case> alignedCases() {
        return Stream.of(
                new Case(2, "PP", End.LOSS, new Sgd(0.3), Activation.TANH, 64),
                new Case(4, "PPP", End.LOSS, new Sgd(0.3), Activation.TANH, 256),
                new Case(2, "PTP", End.LOSS, new Sgd(0.3), Activation.TANH, 48),
                new Case(3, "PQQ", End.LOSS, new Sgd(0.3), Activation.TANH, 64),
                new Case(3, "QP", End.LOSS, new Sgd(0.3), Activation.TANH, 64),
                new Case(1, "PP", End.LOSS, new Sgd(0.3), Activation.TANH, 16),
                new Case(16, "PPP", End.SOFTMAX, 4, new Sgd(0.3), Activation.TANH, 264),
                new Case(20, "PQP", End.LOSS, new Sgd(0.3), Activation.TANH, 1000));
    }

    /** Scores of every step and the parameters' change after the last, relative to its norm. */
    private static void assertSame(Case each, Precision precision, double bound) {
        DataType type = precision == Precision.FP64 ? DataType.DOUBLE : DataType.FLOAT;
        MultiLayerNetwork expected = RankNetwork.create(each.configuration(type));
        MultiLayerNetwork trained = RankNetwork.create(each.configuration(type));
        INDArray before = trained.params().dup();
        try (GpuTrainer trainer = trainer(trained, precision)) {
            for (int step = 0; step < STEPS; step++) {
                // the last batch is smaller, as at the end of an epoch
                DataSet data = each.data(type, step + 1 < STEPS ? each.batch() : Math.max(1, each.batch() / 2), step);
                expected.fit(data.copy());
                trainer.fit(data.copy());
                assertEquals(
                        1, trainer.score() / expected.score(), bound, "score " + trainer.score() + " of step " + step);
            }
            trainer.store();
        }
        Map<String, INDArray> wanted = expected.paramTable();
        double scale = expected.params().sub(before).norm2Number().doubleValue();
        double error = trained.params().sub(expected.params()).norm2Number().doubleValue() / scale;
        assertTrue(error < bound, "parameters differ by " + error + " of their change: " + wanted.keySet());
        assertEquals(STEPS, trained.getIterationCount());
    }

    /**
     * Parameters that are rounded at random: each is off by a part of its last bit, a good deal of what six steps change;
     * but not to one side, so that the change goes as far as it should in the direction in which it should.
     */
    private static void assertSameOnAverage(Case each) {
        MultiLayerNetwork expected = RankNetwork.create(each.configuration(DataType.FLOAT));
        MultiLayerNetwork trained = RankNetwork.create(each.configuration(DataType.FLOAT));
        INDArray before = trained.params().dup();
        try (GpuTrainer trainer = trainer(trained, Precision.BF16_PURE)) {
            for (int step = 0; step < STEPS; step++) {
                DataSet data = each.data(DataType.FLOAT, each.batch(), step);
                expected.fit(data.copy());
                trainer.fit(data.copy());
                assertEquals(1, trainer.score() / expected.score(), 0.2, "score of step " + step);
            }
            trainer.store();
        }
        INDArray change = expected.params().sub(before);
        double norm = change.norm2Number().doubleValue();
        double part = Nd4j.getBlasWrapper().dot(trained.params().sub(before), change) / norm / norm;
        assertEquals(1, part, 0.1, "of the change that there should be");
        double error = trained.params().sub(expected.params()).norm2Number().doubleValue();
        double bound = 2e-2 * expected.params().norm2Number().doubleValue() + 0.15 * norm;
        assertTrue(error < bound, "parameters are off by " + error + ", more than " + bound);
    }

    private static GpuTrainer trainer(MultiLayerNetwork network, Precision precision) {
        return new GpuTrainer(network, DeviceGroup.single(), new GpuOptions(0, precision, Duration.ofSeconds(60)));
    }

    @Test
    void updaterStateGoesThereAndBack() {
        Case each = new Case(2, "pp", End.SOFTMAX, new Adam(0.01), Activation.RELU, 16);
        MultiLayerNetwork expected = RankNetwork.create(each.configuration(DataType.DOUBLE));
        MultiLayerNetwork trained = RankNetwork.create(each.configuration(DataType.DOUBLE));
        for (int part = 0; part < 3; part++) {
            try (GpuTrainer trainer = trainer(trained, Precision.FP64)) {
                DataSet data = each.data(DataType.DOUBLE, each.batch(), part);
                trainer.fit(data.copy());
                expected.fit(data.copy());
                trainer.store();
            }
            DataSet data = each.data(DataType.DOUBLE, each.batch(), 10 + part);
            trained.fit(data.copy());
            expected.fit(data.copy());
        }
        assertTrue(expected.params().equalsWithEps(trained.params(), 1e-10));
    }

    @Test
    void fewerLabelsThanFeaturesAreRefused() {
        Case each = new Case(2, "pp", End.SOFTMAX, new Sgd(0.01), Activation.RELU, 16);
        try (GpuTrainer trainer = trainer(RankNetwork.create(each.configuration(DataType.DOUBLE)), Precision.FP64)) {
            DataSet data = each.data(DataType.DOUBLE, each.batch(), 0);
            data.setLabels(each.data(DataType.DOUBLE, 8, 0).getLabels());
            IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> trainer.fit(data));
            assertTrue(e.getMessage().contains("16 rows of features has 8 rows of labels"), e.getMessage());
        }
    }

    @Test
    void memoryIsFreeAfterwards() {
        Case each = new Case(2, "pp", End.LOSS, new Sgd(0.1), Activation.RELU, 16);
        try (CudaDevice device = CudaDevice.open(0)) {
            // the first use of each library takes memory that it keeps
            train(each);
            long free = device.freeBytes();
            for (int i = 0; i < 3; i++) {
                train(each);
            }
            assertTrue(free - device.freeBytes() < 16 << 20, free + " bytes free before, now " + device.freeBytes());
        }
    }

    private static void train(Case each) {
        try (GpuTrainer trainer = trainer(RankNetwork.create(each.configuration(DataType.FLOAT)), Precision.FP32)) {
            trainer.fit(each.data(DataType.FLOAT, each.batch(), 1));
            assertTrue(trainer.deviceBytes() > 0);
        }
    }
}
