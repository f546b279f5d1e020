package org.phantom4j.layers.usual;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.List;
import java.util.function.UnaryOperator;
import org.deeplearning4j.datasets.iterator.ExistingDataSetIterator;
import org.deeplearning4j.earlystopping.EarlyStoppingConfiguration;
import org.deeplearning4j.earlystopping.EarlyStoppingResult;
import org.deeplearning4j.earlystopping.saver.InMemoryModelSaver;
import org.deeplearning4j.earlystopping.scorecalc.DataSetLossCalculator;
import org.deeplearning4j.earlystopping.termination.MaxEpochsTerminationCondition;
import org.deeplearning4j.earlystopping.trainer.EarlyStoppingTrainer;
import org.deeplearning4j.gradientcheck.GradientCheckUtil;
import org.deeplearning4j.gradientcheck.GradientCheckUtil.MLNConfig;
import org.deeplearning4j.gradientcheck.GradientCheckUtil.PrintMode;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.constraint.MaxNormConstraint;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.transferlearning.FineTuneConfiguration;
import org.deeplearning4j.nn.transferlearning.TransferLearning;
import org.deeplearning4j.nn.transferlearning.TransferLearningHelper;
import org.deeplearning4j.util.ModelSerializer;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.NoOp;
import org.nd4j.linalg.learning.config.Sgd;
import org.phantom4j.layers.ShardedOutputLayer;
import org.phantom4j.layers.usual.Twins.Stack;

/** What programs do with networks of dense layers, done with sharded ones beside them. */
class UsualUseTest {

    private static final List<DataSet> BATCHES = Twins.batches(4);

    private static MultiLayerNetwork savedAndRestored(MultiLayerNetwork network) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        ModelSerializer.writeModel(network, bytes, true);
        return ModelSerializer.restoreMultiLayerNetwork(new ByteArrayInputStream(bytes.toByteArray()), true);
    }

    @ParameterizedTest
    @EnumSource(Stack.class)
    void activationsPredictionsAndEvaluation(Stack stack) {
        Twins twins = Twins.of(stack, UnaryOperator.identity());
        twins.fit(BATCHES);
        INDArray x = BATCHES.get(0).getFeatures();
        List<INDArray> expected = twins.dense().feedForward(x);
        List<INDArray> actual = twins.ours().feedForward(x);
        assertEquals(expected.size(), actual.size());
        for (int i = 0; i < expected.size(); i++) {
            assertTrue(expected.get(i).equalsWithEps(actual.get(i), 1e-9), "activations " + i);
        }
        assertEquals(
                List.of(java.util.Arrays.stream(twins.dense().predict(x))
                        .boxed()
                        .toArray()),
                List.of(java.util.Arrays.stream(twins.ours().predict(x)).boxed().toArray()));
        assertEquals(
                twins.dense().evaluate(new ExistingDataSetIterator(BATCHES)).stats(),
                twins.ours().evaluate(new ExistingDataSetIterator(BATCHES)).stats());
        assertEquals(
                twins.ours().score(BATCHES.get(0)),
                twins.ours().scoreExamples(BATCHES.get(0), false).meanNumber().doubleValue(),
                1e-9);
        assertEquals(4, twins.ours().getIterationCount());
    }

    @ParameterizedTest
    @EnumSource(Stack.class)
    void clonesAndRestoredNetworksGoOnTraining(Stack stack) throws Exception {
        Twins twins = Twins.of(stack, b -> b.l2(0.01));
        twins.fit(BATCHES);
        MultiLayerNetwork clone = twins.ours().clone();
        MultiLayerNetwork restored = savedAndRestored(twins.ours());
        assertEquals(twins.ours().params(), restored.params());
        assertEquals(
                twins.ours().getUpdater().getStateViewArray(),
                restored.getUpdater().getStateViewArray());
        assertEquals(
                twins.ours().getLayerWiseConfigurations(),
                MultiLayerConfiguration.fromJson(
                        twins.ours().getLayerWiseConfigurations().toJson()));
        assertNotSame(clone.params(), twins.ours().params());
        twins.fit(BATCHES);
        BATCHES.forEach(batch -> restored.fit(batch.copy()));
        twins.assertSame("after two rounds");
        Twins.assertSame(twins.dense(), restored, "of a restored network");
        assertTrue(clone.params().distance2(twins.ours().params()) > 1e-3, "a clone has its own parameters");
    }

    @ParameterizedTest
    @EnumSource(Stack.class)
    void otherRatesMidway(Stack stack) {
        Twins twins = Twins.of(stack, b -> b.updater(new Sgd(0.1)));
        twins.fit(BATCHES);
        for (MultiLayerNetwork network : List.of(twins.dense(), twins.ours())) {
            network.setLearningRate(0.3);
            network.setLearningRate(1, 0.01);
        }
        twins.fit(BATCHES);
        assertEquals(twins.dense().getLearningRate(1), twins.ours().getLearningRate(1));
        twins.assertSame("after other rates");
    }

    @ParameterizedTest
    @EnumSource(Stack.class)
    void gradientsOfErrorsFromOutside(Stack stack) {
        Twins twins = Twins.of(stack, UnaryOperator.identity());
        DataSet batch = BATCHES.get(0);
        INDArray[] inputGradients = new INDArray[2];
        int i = 0;
        for (MultiLayerNetwork network : List.of(twins.dense(), twins.ours())) {
            inputGradients[i++] = network.calculateGradients(
                            batch.getFeatures().dup(), batch.getLabels().dup(), null, null)
                    .getSecond()
                    .dup();
        }
        assertTrue(inputGradients[0].equalsWithEps(inputGradients[1], 1e-9), "gradients of the network's inputs");
    }

    @ParameterizedTest
    @EnumSource(Stack.class)
    void transferLearning(Stack stack) {
        Twins twins = Twins.of(stack, b -> b.updater(new Sgd(0.1)));
        twins.fit(BATCHES);
        FineTuneConfiguration tuning =
                new FineTuneConfiguration.Builder().updater(new Sgd(0.05)).build();
        MultiLayerNetwork dense = new TransferLearning.Builder(twins.dense())
                .fineTuneConfiguration(tuning)
                .setFeatureExtractor(0)
                .build();
        MultiLayerNetwork ours = new TransferLearning.Builder(twins.ours())
                .fineTuneConfiguration(tuning)
                .setFeatureExtractor(0)
                .build();
        INDArray frozen = ours.getLayer(0).params().dup();
        for (DataSet batch : BATCHES) {
            dense.fit(batch.copy());
            ours.fit(batch.copy());
        }
        assertEquals(frozen, ours.getLayer(0).params());
        Twins.assertSame(dense, ours, "after fine-tuning");
        INDArray x = BATCHES.get(0).getFeatures();
        DataSet featurized =
                new TransferLearningHelper(ours).featurize(BATCHES.get(0).copy());
        assertTrue(
                ours.feedForwardToLayer(0, x).get(1).equalsWithEps(featurized.getFeatures(), 1e-9),
                "features of the frozen layer");

        MultiLayerNetwork other = new TransferLearning.Builder(twins.ours())
                .fineTuneConfiguration(tuning)
                .removeOutputLayer()
                .addLayer(new ShardedOutputLayer.Builder()
                        .nIn(12)
                        .nOut(2)
                        .shards(stack.shards)
                        .activation(Activation.SOFTMAX)
                        .build())
                .build();
        assertEquals(2, other.output(x).size(1));
        assertTrue(
                twins.ours()
                        .feedForward(x)
                        .get(2)
                        .equalsWithEps(other.feedForward(x).get(2), 1e-12),
                "kept layers keep their weights");
    }

    @ParameterizedTest
    @EnumSource(Stack.class)
    void earlyStopping(Stack stack) {
        Twins twins = Twins.of(stack, UnaryOperator.identity());
        EarlyStoppingResult<MultiLayerNetwork> expected = stopEarly(twins.dense());
        EarlyStoppingResult<MultiLayerNetwork> actual = stopEarly(twins.ours());
        assertEquals(expected.getBestModelEpoch(), actual.getBestModelEpoch());
        assertEquals(expected.getBestModelScore(), actual.getBestModelScore(), 1e-9);
        Twins.assertSame(expected.getBestModel(), actual.getBestModel(), "of the best model");
    }

    private static EarlyStoppingResult<MultiLayerNetwork> stopEarly(MultiLayerNetwork network) {
        EarlyStoppingConfiguration<MultiLayerNetwork> configuration = new EarlyStoppingConfiguration.Builder<
                        MultiLayerNetwork>()
                .epochTerminationConditions(new MaxEpochsTerminationCondition(3))
                .scoreCalculator(new DataSetLossCalculator(new ExistingDataSetIterator(BATCHES), true))
                .modelSaver(new InMemoryModelSaver<>())
                .build();
        return new EarlyStoppingTrainer(configuration, network, new ExistingDataSetIterator(BATCHES)).fit();
    }

    @ParameterizedTest
    @EnumSource(Stack.class)
    void masksCountAsExamplesLeftOut(Stack stack) {
        Twins twins = Twins.of(stack, UnaryOperator.identity());
        DataSet masked = BATCHES.get(0).copy();
        masked.setLabelsMaskArray(
                Nd4j.createFromArray(1.0, 0.0, 1.0, 1.0, 0.0, 1.0).reshape(6, 1));
        double whole = twins.ours().score(masked);
        INDArray examples = twins.ours().scoreExamples(masked, false);
        assertEquals(0, examples.getDouble(1), 1e-12);
        assertEquals(0, examples.getDouble(4), 1e-12);
        assertEquals(twins.dense().score(masked), whole, 1e-9);
        masked.getLabels().getRow(1).assign(7);
        assertEquals(whole, twins.ours().score(masked), 1e-9, "labels that are masked do not count");
    }

    @ParameterizedTest
    @EnumSource(Stack.class)
    void columnsKeepTheirNorm(Stack stack) {
        Twins twins = Twins.of(stack, b -> b.updater(new Sgd(1)).constrainWeights(new MaxNormConstraint(0.3, 0)));
        twins.fit(BATCHES);
        twins.assertSame("with a constraint");
        for (String key : List.of("0_W", "1_W", "2_W")) {
            INDArray norms = twins.dense().getParam(key).norm2(0);
            assertTrue(norms.maxNumber().doubleValue() < 0.3 + 1e-4, key + ": " + norms);
        }
    }

    @ParameterizedTest
    @EnumSource(Stack.class)
    void typesOfNetworks(Stack stack) {
        Twins twins = Twins.of(stack, UnaryOperator.identity());
        INDArray x = BATCHES.get(0).getFeatures();
        MultiLayerNetwork single = twins.ours().convertDataType(DataType.FLOAT);
        assertEquals(DataType.FLOAT, single.params().dataType());
        assertEquals(DataType.FLOAT, single.output(x).dataType());
        assertTrue(
                twins.dense().output(x).castTo(DataType.FLOAT).equalsWithEps(single.output(x), 1e-5),
                "outputs in single precision");
        assertEquals(
                DataType.DOUBLE,
                single.convertDataType(DataType.DOUBLE).output(x).dataType());
    }

    @ParameterizedTest
    @EnumSource(Stack.class)
    void finiteDifferences(Stack stack) {
        Nd4j.setDefaultDataTypes(DataType.DOUBLE, DataType.DOUBLE);
        try {
            UnaryOperator<NeuralNetConfiguration.Builder> settings =
                    b -> b.updater(new NoOp()).l1(0.01).l2(0.02).l2Bias(0.03);
            Twins twins = Twins.of(stack, settings);
            assertTrue(GradientCheckUtil.checkGradients(new MLNConfig()
                    .net(twins.ours())
                    .epsilon(1e-6)
                    .maxRelError(1e-4)
                    .minAbsoluteError(1e-8)
                    .print(PrintMode.FAILURES_ONLY)
                    .subset(true)
                    .maxPerParam(8)
                    .input(BATCHES.get(0).getFeatures())
                    .labels(BATCHES.get(0).getLabels())
                    .labelMask(
                            Nd4j.createFromArray(1.0, 0.0, 1.0, 1.0, 1.0, 1.0).reshape(6, 1))));
        } finally {
            Nd4j.setDefaultDataTypes(DataType.FLOAT, DataType.FLOAT);
        }
    }
}
