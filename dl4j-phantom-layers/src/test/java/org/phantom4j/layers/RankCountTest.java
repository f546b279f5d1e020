package org.phantom4j.layers;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.phantom4j.layers.TrainingRun.assertSameOnEveryRankCount;

import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.GradientNormalization;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.constraint.MaxNormConstraint;
import org.deeplearning4j.nn.conf.constraint.MinMaxNormConstraint;
import org.deeplearning4j.nn.conf.constraint.NonNegativeConstraint;
import org.deeplearning4j.nn.conf.constraint.UnitNormConstraint;
import org.deeplearning4j.nn.conf.distribution.NormalDistribution;
import org.deeplearning4j.nn.conf.dropout.GaussianNoise;
import org.deeplearning4j.nn.conf.weightnoise.DropConnect;
import org.deeplearning4j.nn.conf.weightnoise.WeightNoise;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.weights.WeightInit;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.AMSGrad;
import org.nd4j.linalg.learning.config.AdaGrad;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.learning.config.RmsProp;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.phantom4j.comm.LocalRanks;

/** A network is the same network on 1, 2 and 4 ranks. */
class RankCountTest {

    private static final DataSet CLASSIFIED = TrainingRun.data(7, Networks.FEATURES, Networks.CLASSES, true);

    private static final DataSet TARGETS = TrainingRun.data(5, Networks.FEATURES, Networks.TARGETS, false);

    static Stream<Named<UnaryOperator<NeuralNetConfiguration.Builder>>> options() {
        return Stream.of(
                option("no options", b -> b),
                option("SGD", b -> b.updater(new Sgd(0.1))),
                option("Nesterov", b -> b.updater(new Nesterovs(0.05, 0.9))),
                option("RMSProp", b -> b.updater(new RmsProp(0.01))),
                option("AdaGrad, another for biases", b -> b.updater(new AdaGrad(0.05))
                        .biasUpdater(new AMSGrad(0.01))),
                option(
                        "L1, L2 and weight decay",
                        b -> b.l1(1e-3).l2(1e-2).l1Bias(1e-3).weightDecay(1e-3)),
                option("dropout", b -> b.dropOut(0.7)),
                option("Gaussian noise", b -> b.dropOut(new GaussianNoise(0.3))),
                option("DropConnect", b -> b.weightNoise(new DropConnect(0.7))),
                option("weight noise", b -> b.weightNoise(new WeightNoise(new NormalDistribution(0, 0.2)))),
                option("constraints", b -> b.constrainWeights(new MaxNormConstraint(0.5, 0))
                        .constrainBias(new NonNegativeConstraint())),
                option("norms of outgoing weights", b -> b.constrainWeights(new MaxNormConstraint(0.5, 1))),
                option("unit norms", b -> b.constrainWeights(new UnitNormConstraint(0))),
                option(
                        "norms of whole matrices",
                        b -> b.constrainWeights(new MinMaxNormConstraint(0.2, 0.5, 0.9, 0, 1))),
                option("clipping of elements", b -> b.gradientNormalization(
                                GradientNormalization.ClipElementWiseAbsoluteValue)
                        .gradientNormalizationThreshold(1e-3)),
                option("RenormalizeL2PerLayer", b -> b.gradientNormalization(
                                GradientNormalization.RenormalizeL2PerLayer)
                        .gradientNormalizationThreshold(1e-2)),
                option("ClipL2PerLayer", b -> b.gradientNormalization(GradientNormalization.ClipL2PerLayer)
                        .gradientNormalizationThreshold(1e-2)),
                option("RenormalizeL2PerParamType", b -> b.gradientNormalization(
                                GradientNormalization.RenormalizeL2PerParamType)
                        .gradientNormalizationThreshold(1e-2)),
                option("ClipL2PerParamType", b -> b.gradientNormalization(GradientNormalization.ClipL2PerParamType)
                        .gradientNormalizationThreshold(1e-2)),
                option("no mini-batch mean", b -> b.miniBatch(false)),
                option("ReLU, He's weights, biases", b -> b.activation(Activation.RELU)
                        .weightInit(WeightInit.RELU)
                        .biasInit(0.1)));
    }

    private static Named<UnaryOperator<NeuralNetConfiguration.Builder>> option(
            String name, UnaryOperator<NeuralNetConfiguration.Builder> change) {
        return Named.of(name, change);
    }

    @ParameterizedTest
    @MethodSource("options")
    void multiLayerNetworks(UnaryOperator<NeuralNetConfiguration.Builder> option) throws Exception {
        Deeplearning4jFaults.skipped(
                () -> assertSameOnEveryRankCount(Networks.classifier(option.apply(Networks.defaults())), CLASSIFIED));
    }

    @ParameterizedTest
    @MethodSource("options")
    void computationGraphs(UnaryOperator<NeuralNetConfiguration.Builder> option) throws Exception {
        Deeplearning4jFaults.skipped(
                () -> assertSameOnEveryRankCount(Networks.graph(option.apply(Networks.defaults())), CLASSIFIED));
    }

    @Test
    void plansChangeNothingButTheCommunication() throws Exception {
        MultiLayerConfiguration network = Networks.classifier(Networks.defaults());
        TrainingRun one = TrainingRun.of(network, 1, CLASSIFIED, true).get(0);
        for (boolean planned : new boolean[] {false, true}) {
            TrainingRun.of(network, 2, CLASSIFIED, planned).forEach(run -> one.assertAgrees(run, 2));
        }
        var graph = Networks.graph(Networks.defaults());
        TrainingRun whole = TrainingRun.of(graph, 1, CLASSIFIED, true).get(0);
        for (boolean planned : new boolean[] {false, true}) {
            TrainingRun.of(graph, 4, CLASSIFIED, planned).forEach(run -> whole.assertAgrees(run, 4));
        }
    }

    @Test
    void inputsThatFanOut() throws Exception {
        assertSameOnEveryRankCount(Networks.fanOut(Networks.defaults().l2(1e-3)), CLASSIFIED);
    }

    @ParameterizedTest
    @EnumSource(
            value = LossFunction.class,
            names = {"MSE", "L2", "MEAN_ABSOLUTE_ERROR", "L1"})
    void regressions(LossFunction loss) throws Exception {
        MultiLayerConfiguration network = Networks.regression(
                Networks.defaults(),
                new ShardedLossLayer.Builder(loss)
                        .shards(4)
                        .activation(Activation.TANH)
                        .build());
        assertSameOnEveryRankCount(network, TARGETS);
    }

    @Test
    void masksOfExamplesAndOfOutputs() throws Exception {
        MultiLayerConfiguration network = Networks.regression(
                Networks.defaults(), new ShardedLossLayer.Builder().shards(4).build());
        DataSet examples = TARGETS.copy();
        examples.setLabelsMaskArray(Nd4j.create(new double[] {1, 0, 1, 1, 0}).reshape(5, 1));
        assertSameOnEveryRankCount(network, examples);
        DataSet outputs = TARGETS.copy();
        INDArray mask = Nd4j.ones(DataType.DOUBLE, 5, Networks.TARGETS);
        mask.putScalar(0, 8, 0);
        mask.putScalar(3, 2, 0);
        outputs.setLabelsMaskArray(mask);
        assertSameOnEveryRankCount(network, outputs);

        DataSet classified = CLASSIFIED.copy();
        classified.setLabelsMaskArray(
                Nd4j.create(new double[] {1, 1, 0, 1, 0, 1, 1}).reshape(7, 1));
        assertSameOnEveryRankCount(Networks.classifier(Networks.defaults()), classified);
    }

    @Test
    void initialParametersDependOnTheSeedAlone() throws Exception {
        MultiLayerConfiguration configuration = Networks.classifier(Networks.defaults());
        Map<String, INDArray> whole = initial(configuration, 1).get(0);
        for (int ranks : new int[] {2, 4}) {
            Set<String> seen = new HashSet<>();
            for (Map<String, INDArray> own : initial(configuration, ranks)) {
                own.forEach((key, value) -> assertEquals(whole.get(key), value, key));
                seen.addAll(own.keySet());
            }
            assertEquals(whole.keySet(), seen);
        }
        MultiLayerConfiguration other = Networks.classifier(Networks.defaults().seed(12));
        assertTrue(
                whole.get("1_L0").distance2(initial(other, 1).get(0).get("1_L0")) > 0.1, "another seed, other weights");
        assertTrue(whole.get("1_D1").distance2(whole.get("1_D2")) > 0.1, "every shard has its own weights");
    }

    private static List<Map<String, INDArray>> initial(MultiLayerConfiguration configuration, int ranks)
            throws Exception {
        return LocalRanks.run(ranks, Duration.ofMinutes(2), group -> {
            MultiLayerNetwork network = new MultiLayerNetwork(configuration.clone());
            network.init();
            return network.paramTable();
        });
    }
}
