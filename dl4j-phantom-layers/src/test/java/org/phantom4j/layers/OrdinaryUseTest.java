package org.phantom4j.layers;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.deeplearning4j.exception.DL4JInvalidConfigException;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.constraint.NonNegativeConstraint;
import org.deeplearning4j.nn.conf.dropout.IDropout;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.FeedForwardLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.transferlearning.FineTuneConfiguration;
import org.deeplearning4j.nn.transferlearning.TransferLearning;
import org.deeplearning4j.nn.weights.WeightInit;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.phantom4j.comm.LocalRanks;
import org.phantom4j.layers.train.RankNetwork;

/** What users of Deeplearning4j write, with sharded layers. */
class OrdinaryUseTest {

    private static final Duration TIMEOUT = Duration.ofMinutes(2);

    private static NeuralNetConfiguration.Builder floats() {
        return Networks.defaults().dataType(DataType.FLOAT);
    }

    private static void assertMessage(String part, Exception e) {
        assertTrue(String.valueOf(e.getMessage()).contains(part), e.toString());
    }

    @ParameterizedTest
    @EnumSource(
            value = DataType.class,
            names = {"DOUBLE", "INT", "LONG", "BOOL", "FLOAT"})
    void featuresOfAnyType(DataType type) throws Exception {
        INDArray x = Nd4j.createFromArray(new double[][] {{1, 0, 1, 0, 1, 1}, {0, 0, 1, 1, 0, 1}});
        INDArray y = Nd4j.createFromArray(new double[][] {{1, 0, 0}, {0, 1, 0}});
        DataSet floats = new DataSet(x.castTo(DataType.FLOAT), y.castTo(DataType.FLOAT));
        DataSet typed = new DataSet(x.castTo(type), y);
        for (Layer first :
                List.of(Networks.phantom(8, 2).build(), Networks.tensor(8).build())) {
            MultiLayerConfiguration configuration = Networks.list(
                    floats().dropOut(0.9), first, Networks.output().build());
            LocalRanks.run(2, TIMEOUT, group -> {
                MultiLayerNetwork expected = RankNetwork.create(configuration);
                MultiLayerNetwork network = RankNetwork.create(configuration);
                for (int step = 0; step < 2; step++) {
                    fit(expected, floats);
                    fit(network, typed);
                }
                assertEquals(expected.output(floats.getFeatures()), network.output(typed.getFeatures()));
                assertEquals(expected.score(), network.score(), 1e-6);
                return null;
            });
        }
        ComputationGraph graph = new ComputationGraph(Networks.fanOut(floats()));
        graph.init();
        graph.fit(typed);
        assertEquals(graph.outputSingle(floats.getFeatures()), graph.outputSingle(typed.getFeatures()));
        MultiLayerNetwork alone =
                Equivalent.init(Networks.list(floats(), Networks.output().build()));
        alone.fit(typed);
        assertEquals(alone.output(floats.getFeatures()), alone.output(typed.getFeatures()));
    }

    private static void fit(MultiLayerNetwork network, DataSet data) {
        Nd4j.getRandom().setSeed(4);
        network.fit(data);
    }

    @Test
    void widthsAndPreprocessorsAreInferredFromTheFirstLayer() {
        MultiLayerConfiguration configuration = Networks.defaults()
                .list(
                        Networks.phantom(8, 2).nIn(6).build(),
                        Networks.tensor(7).build(),
                        new DenseLayer.Builder().nOut(5).build(),
                        new LSTM.Builder().nOut(4).build(),
                        Networks.phantom(9, 2).build(),
                        Networks.output().build())
                .build();
        long[] widths = {6, 8, 7, 5, 4, 9};
        for (int i = 0; i < widths.length; i++) {
            assertEquals(widths[i], ((FeedForwardLayer) configuration.getConf(i).getLayer()).getNIn(), "layer " + i);
        }
        assertNotNull(configuration.getInputPreProcess(3));
        assertNotNull(configuration.getInputPreProcess(4));
        MultiLayerConfiguration output =
                Networks.defaults().list(Networks.output().nIn(6).build()).build();
        assertEquals(
                3,
                Equivalent.init(output).output(Nd4j.ones(DataType.DOUBLE, 2, 6)).size(1));
    }

    @Test
    void forgottenSettingsAreNamed() {
        MultiLayerConfiguration none = Networks.defaults()
                .list(
                        new DenseLayer.Builder().nIn(3).nOut(5).build(),
                        Networks.phantom(8, 2).name("wide").nIn(0).build())
                .build();
        ((FeedForwardLayer) none.getConf(1).getLayer()).setNIn(0);
        assertMessage(
                "PhantomDenseLayer (index=1, name=wide) nIn=0, nOut=8; nIn and nOut must be > 0",
                assertThrows(DL4JInvalidConfigException.class, () -> Equivalent.init(none)));
        ComputationGraphConfiguration graph = Networks.defaults()
                .graphBuilder()
                .addInputs("in")
                .addLayer("dense", new DenseLayer.Builder().nIn(3).nOut(5).build(), "in")
                .addLayer("columns", Networks.tensor(8).build(), "dense")
                .addLayer("out", Networks.output().nIn(8).build(), "columns")
                .setOutputs("out")
                .build();
        assertMessage(
                "name=columns) nIn=0",
                assertThrows(DL4JInvalidConfigException.class, () -> new ComputationGraph(graph).init()));
        assertMessage(
                "PhantomDenseLayer: phantomWidth is not set",
                assertThrows(
                        IllegalArgumentException.class,
                        () -> new PhantomDenseLayer.Builder().nOut(8).shards(2).build()));
        assertMessage(
                "PhantomDenseLayer: shards is not set",
                assertThrows(IllegalArgumentException.class, () -> new PhantomDenseLayer.Builder()
                        .nOut(8)
                        .phantomWidth(2)
                        .build()));
        assertMessage(
                "TensorParallelDenseLayer: shards is not set",
                assertThrows(
                        IllegalArgumentException.class,
                        () -> new TensorParallelDenseLayer.Builder().nOut(8).build()));
        assertMessage(
                "ShardedOutputLayer: shards is not set",
                assertThrows(IllegalArgumentException.class, () -> new ShardedOutputLayer.Builder().build()));
        assertMessage(
                "ShardedLossLayer: shards is not set",
                assertThrows(IllegalArgumentException.class, () -> new ShardedLossLayer.Builder().build()));
    }

    /** Deeplearning4j itself refuses BFLOAT16. */
    @Test
    @SuppressWarnings("deprecation") // it has another name in one of ND4J's versions
    void halfPrecisionIsRefused() {
        MultiLayerConfiguration configuration = Networks.list(
                Networks.defaults().dataType(DataType.FLOAT16),
                Networks.phantom(8, 2).build(),
                Networks.output().build());
        assertMessage(
                "PhantomDenseLayer (name=layer0) computes in FLOAT or DOUBLE, not HALF",
                assertThrows(IllegalArgumentException.class, () -> Equivalent.init(configuration)));
    }

    @Test
    void aWidthOfOne() {
        MultiLayerNetwork ours = Equivalent.init(narrow(
                Networks.tensor(1).nIn(1).shards(1).build(),
                Networks.phantom(1, 1).shards(1).build(),
                Networks.tensor(4).shards(1).build(),
                Networks.output()
                        .nOut(1)
                        .lossFunction(LossFunction.XENT)
                        .activation(Activation.SIGMOID)
                        .build()));
        MultiLayerNetwork dense = Equivalent.dense(
                narrow(
                        new DenseLayer.Builder().nIn(1).nOut(1).build(),
                        new DenseLayer.Builder().nOut(1).build(),
                        new DenseLayer.Builder().nOut(4).build(),
                        new OutputLayer.Builder(LossFunction.XENT)
                                .nOut(1)
                                .activation(Activation.SIGMOID)
                                .build()),
                ours);
        for (int batch : new int[] {5, 1}) {
            DataSet data = TrainingRun.data(batch, 1, 1, true);
            dense.fit(data.copy());
            ours.fit(data.copy());
            assertEquals(dense.score(), ours.score(), 1e-12);
            assertTrue(dense.output(data.getFeatures()).equalsWithEps(ours.output(data.getFeatures()), 1e-12));
        }
    }

    private static MultiLayerConfiguration narrow(Layer... layers) {
        return Equivalent.defaults().list(layers).build();
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 4})
    void identityWeightsMakeAnIdentity(int shards) throws Exception {
        INDArray x = TrainingRun.data(3, Networks.FEATURES, 3, false).getFeatures();
        NeuralNetConfiguration.Builder defaults =
                Networks.defaults().weightInit(WeightInit.IDENTITY).activation(Activation.IDENTITY);
        MultiLayerConfiguration configuration = Networks.list(
                defaults,
                Networks.phantom(Networks.FEATURES, 2).shards(shards).build(),
                Networks.tensor(Networks.FEATURES).shards(shards).build(),
                Networks.output()
                        .nOut(Networks.FEATURES)
                        .shards(shards)
                        .activation(Activation.IDENTITY)
                        .lossFunction(LossFunction.MSE)
                        .build());
        assertEquals(x, Equivalent.init(configuration.clone()).output(x));
        LocalRanks.run(2, TIMEOUT, group -> {
            assertEquals(x, RankNetwork.create(configuration).output(x));
            return null;
        });
        MultiLayerConfiguration oblong =
                Networks.list(defaults.clone(), Networks.tensor(8).build());
        assertMessage(
                "Cannot use IDENTITY init with parameters of shape [6, 8]",
                assertThrows(IllegalStateException.class, () -> Equivalent.init(oblong)));
    }

    @Test
    void layersThatCutAWidthDifferentlyAreRanksOfOneNetwork() throws Exception {
        MultiLayerConfiguration configuration = Networks.list(
                Networks.defaults(),
                Networks.tensor(10).shards(4).build(),
                Networks.phantom(10, 1).shards(2).build(),
                Networks.phantom(7, 1).shards(4).build(),
                Networks.output().shards(2).build());
        DataSet data = TrainingRun.data(5, Networks.FEATURES, Networks.CLASSES, true);
        TrainingRun one = TrainingRun.of(configuration, 1, data, false).get(0);
        for (boolean planned : new boolean[] {false, true}) {
            TrainingRun.of(configuration, 2, data, planned).forEach(run -> one.assertAgrees(run, 2));
        }
    }

    @Test
    void aGatheredNetworkIsAnOrdinaryOne() throws Exception {
        MultiLayerConfiguration configuration = Networks.list(
                Networks.defaults(),
                Networks.phantom(8, 2).build(),
                Networks.tensor(8).build(),
                Networks.output().build());
        DataSet data = TrainingRun.data(5, Networks.FEATURES, Networks.CLASSES, true);
        MultiLayerNetwork gathered = LocalRanks.run(2, TIMEOUT, group -> {
                    MultiLayerNetwork network = RankNetwork.create(configuration);
                    network.fit(data.copy());
                    return RankNetwork.gather(network);
                })
                .get(0);
        assertFalse(gathered.getLayerWiseConfigurations().toJson().contains("gatherOutput"));
        Pair<Gradient, INDArray> gradients =
                gathered.calculateGradients(data.getFeatures(), data.getLabels(), null, null);
        assertEquals(6, gradients.getSecond().size(1));
        MultiLayerNetwork transferred = new TransferLearning.Builder(gathered)
                .fineTuneConfiguration(new FineTuneConfiguration.Builder()
                        .updater(new Adam(0.01))
                        .build())
                .setFeatureExtractor(0)
                .removeOutputLayer()
                .addLayer(Networks.output().nIn(8).weightInit(WeightInit.XAVIER).build())
                .build();
        INDArray frozen = transferred.getParam("0_L0").dup();
        transferred.fit(data.copy());
        assertEquals(frozen, transferred.getParam("0_L0"));
        // on ranks, too: frozen layers beside planned ones
        double score = transferred.score(data.copy());
        LocalRanks.run(2, TIMEOUT, group -> {
            assertEquals(score, RankNetwork.of(transferred).score(data.copy()), 1e-9);
            return null;
        });
        // its first layer stands above another
        MultiLayerNetwork above = new MultiLayerNetwork(Networks.list(
                Networks.defaults(),
                new DenseLayer.Builder().nOut(6).build(),
                gathered.getLayer(0).conf().getLayer().clone(),
                Networks.output().build()));
        above.init();
        INDArray before = above.getParam("0_W").dup();
        above.fit(data.copy());
        assertTrue(before.distance2(above.getParam("0_W")) > 1e-4);
    }

    @Test
    void aConfigurationMadeOnARankConstrainsAllShards() throws Exception {
        MultiLayerNetwork gathered = LocalRanks.run(2, TIMEOUT, group -> {
                    MultiLayerConfiguration configuration = Networks.list(
                            Networks.defaults(),
                            Networks.phantom(8, 2)
                                    .constrainAllParameters(new NonNegativeConstraint())
                                    .build(),
                            Networks.output()
                                    .constrainWeights(new NonNegativeConstraint())
                                    .build());
                    return RankNetwork.gather(RankNetwork.create(configuration));
                })
                .get(0);
        gathered.fit(TrainingRun.data(5, Networks.FEATURES, Networks.CLASSES, true));
        gathered.paramTable().forEach((key, value) -> {
            if (!key.startsWith("1_b")) {
                assertTrue(value.minNumber().doubleValue() >= 0, key);
            }
        });
    }

    @Test
    void namesSayTheClassTheShardsAndThePhantomWidth() {
        String phantom = Networks.phantom(8, 3).build().toString();
        assertTrue(phantom.startsWith("PhantomDenseLayer(phantomWidth=3, super=PhantomDenseLayer(shards=4"), phantom);
        String output = Networks.output().build().toString();
        assertTrue(output.startsWith("ShardedOutputLayer(shards=4"), output);
        String loss = new ShardedLossLayer.Builder().shards(2).build().toString();
        assertTrue(loss.startsWith("ShardedLossLayer(shards=2"), loss);
    }

    @Test
    void defaultsAreThoseOfTheLayersTheyStandFor() {
        MultiLayerConfiguration configuration = Networks.list(
                Networks.defaults(),
                Networks.tensor(8).build(),
                new ShardedOutputLayer.Builder().nOut(3).shards(2).build());
        MultiLayerConfiguration ordinary = Networks.list(
                Networks.defaults(),
                new DenseLayer.Builder().nOut(8).build(),
                new OutputLayer.Builder().nOut(3).build());
        for (int i = 0; i < 2; i++) {
            FeedForwardLayer ours = (FeedForwardLayer) configuration.getConf(i).getLayer();
            FeedForwardLayer theirs = (FeedForwardLayer) ordinary.getConf(i).getLayer();
            assertEquals(theirs.getActivationFn(), ours.getActivationFn());
            assertEquals(theirs.getWeightInitFn(), ours.getWeightInitFn());
            assertEquals(theirs.getBiasInit(), ours.getBiasInit());
            assertEquals(theirs.getGainInit(), ours.getGainInit());
            assertEquals(theirs.getGradientNormalization(), ours.getGradientNormalization());
            assertEquals(theirs.getGradientNormalizationThreshold(), ours.getGradientNormalizationThreshold());
            assertEquals(theirs.getIUpdater(), ours.getIUpdater());
            assertEquals(theirs.getRegularization(), ours.getRegularization());
        }
        OutputLayer ours = (OutputLayer) configuration.getConf(1).getLayer();
        assertEquals(((OutputLayer) ordinary.getConf(1).getLayer()).getLossFn(), ours.getLossFn());
        assertTrue(ours.hasBias());
    }

    /** Turns its input around in each row, which no part of a row can do; counts what it is asked. */
    private static final class Reversal implements IDropout {

        private static final long serialVersionUID = 1L;

        private final AtomicInteger calls = new AtomicInteger();

        @Override
        public INDArray applyDropout(
                INDArray in, INDArray result, int iteration, int epoch, LayerWorkspaceMgr manager) {
            calls.incrementAndGet();
            return result.assign(Nd4j.reverse(in.dup()));
        }

        @Override
        public INDArray backprop(INDArray out, INDArray in, int iteration, int epoch) {
            calls.incrementAndGet();
            return in.assign(Nd4j.reverse(out.dup()));
        }

        @Override
        public void clear() {}

        @Override
        public IDropout clone() {
            return this;
        }
    }

    @Test
    void aUsersDropoutIsAskedItself() throws Exception {
        Reversal whole = new Reversal();
        DataSet one = TrainingRun.data(1, Networks.FEATURES, Networks.CLASSES, true);
        Equivalent.assertSame(
                () -> Networks.list(
                        Equivalent.defaults(),
                        new DenseLayer.Builder().nOut(8).build(),
                        new DenseLayer.Builder().nOut(8).dropOut(new Reversal()).build(),
                        new OutputLayer.Builder()
                                .nOut(3)
                                .dropOut(new Reversal())
                                .build()),
                shards -> Networks.list(
                        Equivalent.defaults(),
                        Networks.tensor(8).shards(shards).build(),
                        Networks.tensor(8).shards(shards).dropOut(whole).build(),
                        Networks.output().shards(shards).dropOut(new Reversal()).build()),
                one);
        assertTrue(whole.calls.get() >= 6 * 5, "calls " + whole.calls);
    }

    @Test
    void theLargestUsefulPhantomWidthIsTheLastThatSavesParameters() {
        PhantomDenseLayer layer = Networks.phantom(9, 2).nIn(10).build();
        // 10·9 + 9 of the dense layer; 25 + 10·k + 3·k·9 + 9 of the phantom layer
        assertEquals(1, layer.geometry().largestUsefulPhantomWidth());
        assertTrue(layer.initializer().numParams(layer) > 99);
        PhantomDenseLayer smaller = Networks.phantom(9, 1).nIn(10).build();
        assertTrue(smaller.initializer().numParams(smaller) <= 99);
    }
}
