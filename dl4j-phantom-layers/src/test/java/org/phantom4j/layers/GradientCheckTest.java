package org.phantom4j.layers;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.stream.Stream;
import org.deeplearning4j.gradientcheck.GradientCheckUtil;
import org.deeplearning4j.gradientcheck.GradientCheckUtil.GraphConfig;
import org.deeplearning4j.gradientcheck.GradientCheckUtil.MLNConfig;
import org.deeplearning4j.gradientcheck.GradientCheckUtil.PrintMode;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.distribution.NormalDistribution;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.NoOp;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Deeplearning4j's own gradient checks. */
class GradientCheckTest {

    private static final double STEP = 1e-6;
    private static final double MAX_RELATIVE_ERROR = 1e-4;
    private static final double MIN_ABSOLUTE_ERROR = 1e-8;

    @BeforeEach
    void useDoublePrecision() {
        Nd4j.setDefaultDataTypes(DataType.DOUBLE, DataType.DOUBLE);
    }

    @AfterEach
    void useSinglePrecision() {
        Nd4j.setDefaultDataTypes(DataType.FLOAT, DataType.FLOAT);
    }

    private static NeuralNetConfiguration.Builder defaults() {
        return Networks.defaults().updater(new NoOp()).weightInit(new NormalDistribution(0, 0.7));
    }

    private static MultiLayerConfiguration regression(LossFunction loss) {
        return Networks.regression(
                defaults(),
                new ShardedLossLayer.Builder(loss)
                        .shards(4)
                        .activation(Activation.TANH)
                        .build());
    }

    static Stream<Named<MultiLayerConfiguration>> networks() {
        return Stream.of(
                Named.of("classifier", Networks.classifier(defaults())),
                Named.of("regularised", Networks.classifier(defaults().l2(0.1).l1(0.05))),
                Named.of(
                        "layer normalisation, no bias, softmax over all shards",
                        Networks.list(
                                defaults(),
                                Networks.tensor(7).hasLayerNorm(true).build(),
                                Networks.phantom(9, 2)
                                        .hasLayerNorm(true)
                                        .hasBias(false)
                                        .build(),
                                Networks.phantom(8, 2)
                                        .activation(Activation.SOFTMAX)
                                        .hasBias(false)
                                        .build(),
                                Networks.tensor(6).hasBias(false).build(),
                                Networks.output().build())),
                Named.of("dropout", Networks.classifier(defaults().dropOut(0.8))),
                Named.of(
                        "one shard",
                        Networks.list(
                                defaults(),
                                Networks.phantom(4, 2).shards(1).build(),
                                Networks.tensor(4).shards(1).build(),
                                Networks.output().shards(1).hasBias(false).build())),
                Named.of("mean squared error", regression(LossFunction.MSE)),
                Named.of("sum of squares", regression(LossFunction.L2)),
                Named.of("mean absolute error", regression(LossFunction.MEAN_ABSOLUTE_ERROR)),
                Named.of("sum of absolute errors", regression(LossFunction.L1)));
    }

    @ParameterizedTest
    @MethodSource("networks")
    void multiLayerNetworks(MultiLayerConfiguration configuration) {
        MultiLayerNetwork network = new MultiLayerNetwork(configuration);
        network.init();
        CommunicationPlan.apply(network);
        boolean classes = network.getOutputLayer().conf().getLayer() instanceof ShardedOutputLayer;
        DataSet data = TrainingRun.data(3, Networks.FEATURES, classes ? Networks.CLASSES : Networks.TARGETS, classes);
        assertTrue(GradientCheckUtil.checkGradients(new MLNConfig()
                .net(network)
                .epsilon(STEP)
                .maxRelError(MAX_RELATIVE_ERROR)
                .minAbsoluteError(MIN_ABSOLUTE_ERROR)
                .print(PrintMode.FAILURES_ONLY)
                .subset(true)
                .maxPerParam(10)
                .input(data.getFeatures())
                .labels(data.getLabels())
                .callEachIter(each -> Nd4j.getRandom().setSeed(3))));
    }

    static Stream<Named<ComputationGraphConfiguration>> graphs() {
        return Stream.of(
                Named.of("graph", Networks.graph(defaults())), Named.of("fan-out", Networks.fanOut(defaults())));
    }

    @ParameterizedTest
    @MethodSource("graphs")
    void computationGraphs(ComputationGraphConfiguration configuration) {
        ComputationGraph network = new ComputationGraph(configuration);
        network.init();
        CommunicationPlan.apply(network);
        DataSet data = TrainingRun.data(3, Networks.FEATURES, Networks.CLASSES, true);
        assertTrue(GradientCheckUtil.checkGradients(new GraphConfig()
                .net(network)
                .epsilon(STEP)
                .maxRelError(MAX_RELATIVE_ERROR)
                .minAbsoluteError(MIN_ABSOLUTE_ERROR)
                .print(PrintMode.FAILURES_ONLY)
                .subset(true)
                .maxPerParam(10)
                .inputs(new INDArray[] {data.getFeatures()})
                .labels(new INDArray[] {data.getLabels()})));
    }
}
