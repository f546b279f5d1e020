package org.phantom4j.layers.matrix;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.deeplearning4j.nn.api.OptimizationAlgorithm;
import org.deeplearning4j.nn.conf.GradientNormalization;
import org.deeplearning4j.nn.conf.constraint.MaxNormConstraint;
import org.deeplearning4j.nn.conf.constraint.MinMaxNormConstraint;
import org.deeplearning4j.nn.conf.constraint.NonNegativeConstraint;
import org.deeplearning4j.nn.conf.constraint.UnitNormConstraint;
import org.deeplearning4j.nn.conf.distribution.NormalDistribution;
import org.deeplearning4j.nn.conf.dropout.AlphaDropout;
import org.deeplearning4j.nn.conf.dropout.Dropout;
import org.deeplearning4j.nn.conf.dropout.GaussianDropout;
import org.deeplearning4j.nn.conf.dropout.GaussianNoise;
import org.deeplearning4j.nn.conf.weightnoise.DropConnect;
import org.deeplearning4j.nn.conf.weightnoise.WeightNoise;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.AMSGrad;
import org.nd4j.linalg.learning.config.AdaBelief;
import org.nd4j.linalg.learning.config.AdaDelta;
import org.nd4j.linalg.learning.config.AdaGrad;
import org.nd4j.linalg.learning.config.AdaMax;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.Nadam;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.learning.config.NoOp;
import org.nd4j.linalg.learning.config.RmsProp;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.nd4j.linalg.lossfunctions.impl.LossMCXENT;
import org.nd4j.linalg.lossfunctions.impl.LossMSE;
import org.nd4j.linalg.schedule.ExponentialSchedule;
import org.nd4j.linalg.schedule.MapSchedule;
import org.nd4j.linalg.schedule.ScheduleType;

/**
 * The dimensions of the matrix. Settings of chance come twice: with so little of it that results are those without (all but
 * one in 10¹² is kept, noise is of size 10⁻¹³), and, marked random, with so much that only runs of the same configuration
 * can be compared.
 */
// types have other names in one of ND4J's versions; a table of of(...) reads best
@SuppressWarnings({"deprecation", "BadImport"})
final class Dimensions {

    private static final double KEEP = 1 - 1e-12;
    private static final double TINY = 1e-13;

    /** The first is the kind of layers. */
    static final List<Dimension> ALL = List.of(
            of("kind", Arrays.stream(Kind.values()).map(Dimensions::kind).toArray(Option[]::new)),
            updaters(),
            of(
                    "regularisation",
                    none(),
                    of("l1", p -> p.defaults.l1(0.01), "l1 regularization"),
                    of("l2", p -> p.defaults.l2(0.05), "l2 regularization"),
                    of("weightDecay", p -> p.defaults.weightDecay(0.05)),
                    of("weightDecayWithoutRate", p -> p.defaults.weightDecay(0.01, false), "weightDecay"),
                    of("l1AndL2", p -> p.defaults.l1(0.01).l2(0.05)),
                    of("biases", p -> p.defaults.l1Bias(0.01).l2Bias(0.05).weightDecayBias(0.01), "l1Bias", "l2Bias")),
            of(
                    "dropout",
                    none(),
                    of("own", p -> p.defaults.dropOut(new ScaledInputs()), "ScaledInputs"),
                    of("plain", p -> p.defaults.dropOut(new Dropout(KEEP))),
                    of("gaussian", p -> p.defaults.dropOut(new GaussianDropout(TINY * TINY))),
                    of("alpha", p -> p.defaults.dropOut(new AlphaDropout(KEEP))),
                    of("noise", p -> p.defaults.dropOut(new GaussianNoise(TINY))),
                    random("randomPlain", p -> p.defaults.dropOut(new Dropout(0.6))),
                    random("randomGaussian", p -> p.defaults.dropOut(new GaussianDropout(0.3))),
                    random("randomAlpha", p -> p.defaults.dropOut(new AlphaDropout(0.7))),
                    random("randomNoise", p -> p.defaults.dropOut(new GaussianNoise(0.3)))),
            of(
                    "weightNoise",
                    none(),
                    of("dropConnect", p -> p.defaults.weightNoise(new DropConnect(KEEP))),
                    of("added", p -> p.defaults.weightNoise(new WeightNoise(new NormalDistribution(0, TINY)))),
                    of(
                            "multiplied",
                            p -> p.defaults.weightNoise(new WeightNoise(new NormalDistribution(1, TINY), true, false))),
                    random("randomDropConnect", p -> p.defaults.weightNoise(new DropConnect(0.7))),
                    random(
                            "randomAdded",
                            p -> p.defaults.weightNoise(new WeightNoise(new NormalDistribution(0, 0.2), true, true)))),
            constraints(),
            of(
                    "gradientNormalization",
                    Arrays.stream(GradientNormalization.values())
                            .map(each -> of(
                                    each.name(),
                                    p -> p.defaults.gradientNormalization(each).gradientNormalizationThreshold(0.02)))
                            .toArray(Option[]::new)),
            of(
                    "mask",
                    Arrays.stream(Plan.Mask.values())
                            .map(each -> of(each.name(), p -> p.mask = each, "mask"))
                            .toArray(Option[]::new)),
            of(
                    "type",
                    of("DOUBLE", p -> {}),
                    of("FLOAT", p -> p.type = DataType.FLOAT),
                    of("HALF", p -> p.type = DataType.FLOAT16)),
            of(
                    "features",
                    none(),
                    of("float", p -> p.features = DataType.FLOAT, "features"),
                    of("double", p -> p.features = DataType.DOUBLE, "features"),
                    of("int", p -> p.features = DataType.INT32, "features"),
                    of("bool", p -> p.features = DataType.BOOL, "features")),
            of(
                    "input",
                    Arrays.stream(Plan.Input.values())
                            .map(each -> of(each.name(), p -> p.input = each))
                            .toArray(Option[]::new)),
            of(
                    "nIn",
                    Arrays.stream(Plan.Widths.values())
                            .map(each -> of(each.name(), p -> p.widths = each, "nIn"))
                            .toArray(Option[]::new)),
            of(
                    "width",
                    of("even", p -> {}),
                    of("uneven", p -> p.hidden = new int[] {9, 7}),
                    of("one", p -> p.hidden = new int[] {1, 6}, "cannot be cut")),
            of(
                    "optimization",
                    of("STOCHASTIC_GRADIENT_DESCENT", p -> {}),
                    algorithm(OptimizationAlgorithm.LINE_GRADIENT_DESCENT),
                    algorithm(OptimizationAlgorithm.CONJUGATE_GRADIENT),
                    algorithm(OptimizationAlgorithm.LBFGS)),
            of(
                    "score",
                    of("mean", p -> {}),
                    of("sum", p -> p.defaults.miniBatch(false), "miniBatch"),
                    of("maximised", p -> p.defaults.minimize(false), "minimize")),
            of(
                    "activation",
                    of("TANH", p -> {}),
                    activation(Activation.RELU),
                    activation(Activation.IDENTITY),
                    activation(Activation.ELU),
                    activation(Activation.SOFTMAX),
                    of("RRELU", p -> {
                        p.defaults.activation(Activation.RRELU);
                        p.random = true;
                    })),
            losses(),
            of("bias", of("yes", p -> {}), of("hasBias", p -> p.bias = false)),
            of("layerNorm", of("no", p -> {}), of("hasLayerNorm", p -> p.layerNorm = true, "layerNorm")),
            of("container", of("list", p -> {}), of("graph", p -> p.graph = true)));

    private Dimensions() {}

    /** Where a dimension is in {@link #ALL}. */
    static int index(String dimension) {
        return ALL.stream().map(Dimension::name).toList().indexOf(dimension);
    }

    private static Dimension of(String name, Option... options) {
        return Dimension.of(name, options);
    }

    private static Option of(String name, Consumer<Plan> change, String... words) {
        return Option.of(name, change, words);
    }

    private static Option none() {
        return of("none", p -> {});
    }

    private static Option kind(Kind kind) {
        return of(kind.name(), p -> p.kind = kind);
    }

    private static Option random(String name, Consumer<Plan> change) {
        return of(name, change.andThen(p -> p.random = true), "dropout", "noise", "weightNoise");
    }

    private static Option algorithm(OptimizationAlgorithm algorithm) {
        return of(algorithm.name(), p -> p.defaults.optimizationAlgo(algorithm));
    }

    private static Option activation(Activation activation) {
        return of(activation.name(), p -> p.defaults.activation(activation));
    }

    private static Dimension updaters() {
        return of(
                "updater",
                of("Sgd", p -> {}),
                of(
                        "scheduledSgd",
                        p -> p.defaults.updater(new Sgd(new ExponentialSchedule(ScheduleType.ITERATION, 0.1, 0.6)))),
                of("Adam", p -> p.defaults.updater(new Adam(0.01))),
                of(
                        "AdamAndSgdForBiases",
                        p -> p.defaults.updater(new Adam(0.01)).biasUpdater(new Sgd(0.02))),
                of(
                        "Nesterovs",
                        p -> p.defaults.updater(
                                new Nesterovs(0.05, new MapSchedule(ScheduleType.ITERATION, Map.of(0, 0.5, 2, 0.9))))),
                of("RmsProp", p -> p.defaults.updater(new RmsProp(0.01))),
                of("AdaGrad", p -> p.defaults.updater(new AdaGrad(0.02))),
                of("AdaDelta", p -> p.defaults.updater(new AdaDelta())),
                of("AdaMax", p -> p.defaults.updater(new AdaMax(0.01))),
                of("Nadam", p -> p.defaults.updater(new Nadam(0.01))),
                of("AMSGrad", p -> p.defaults.updater(new AMSGrad(0.01))),
                of("AdaBelief", p -> p.defaults.updater(new AdaBelief(0.01))),
                of("NoOp", p -> p.defaults.updater(new NoOp())));
    }

    private static Dimension constraints() {
        return of(
                "constraint",
                none(),
                of(
                        "NonNegative",
                        p -> p.defaults.constrainWeights(new NonNegativeConstraint()),
                        "NonNegativeConstraint"),
                of(
                        "NonNegativeBias",
                        p -> p.defaults.constrainBias(new NonNegativeConstraint()),
                        "NonNegativeConstraint"),
                of(
                        "NonNegativeAll",
                        p -> p.defaults.constrainAllParameters(new NonNegativeConstraint()),
                        "NonNegativeConstraint"),
                of("MaxNorm", p -> p.defaults.constrainWeights(new MaxNormConstraint(0.5, 0)), "MaxNormConstraint"),
                of(
                        "MaxNormOfRows",
                        p -> p.defaults.constrainWeights(new MaxNormConstraint(0.5, 1)),
                        "MaxNormConstraint"),
                of("UnitNorm", p -> p.defaults.constrainWeights(new UnitNormConstraint(0)), "UnitNormConstraint"),
                of(
                        "MinMaxNorm",
                        p -> p.defaults.constrainWeights(new MinMaxNormConstraint(0.4, 0.6, 0.8, 0)),
                        "MinMaxNormConstraint"),
                of("MaxNormBias", p -> p.defaults.constrainBias(new MaxNormConstraint(0.01, 1)), "MaxNormConstraint"));
    }

    private static Dimension losses() {
        return of(
                "loss",
                loss("MSE", LossFunction.MSE, Activation.IDENTITY, Plan.Labels.NUMBERS),
                loss("MCXENT", LossFunction.MCXENT, Activation.SOFTMAX, Plan.Labels.CLASSES),
                loss("MCXENTwithDefaultActivation", LossFunction.MCXENT, null, Plan.Labels.CLASSES),
                loss("XENT", LossFunction.XENT, Activation.SIGMOID, Plan.Labels.BITS),
                loss("L2", LossFunction.L2, Activation.IDENTITY, Plan.Labels.NUMBERS),
                loss("MAE", LossFunction.MEAN_ABSOLUTE_ERROR, Activation.IDENTITY, Plan.Labels.NUMBERS),
                loss("L1", LossFunction.L1, Activation.IDENTITY, Plan.Labels.NUMBERS),
                loss("HINGE", LossFunction.HINGE, Activation.IDENTITY, Plan.Labels.SIGNS),
                loss("KLD", LossFunction.KL_DIVERGENCE, Activation.SOFTMAX, Plan.Labels.SHARES),
                loss("POISSON", LossFunction.POISSON, Activation.SOFTPLUS, Plan.Labels.COUNTS),
                loss("COSINE", LossFunction.COSINE_PROXIMITY, Activation.IDENTITY, Plan.Labels.NUMBERS),
                loss("MSEofTanh", LossFunction.MSE, Activation.TANH, Plan.Labels.NUMBERS),
                of("weightedMSE", p -> p.loss = outputs -> new LossMSE(weights(outputs)), "weights"),
                of(
                        "weightedMCXENT",
                        p -> {
                            p.loss = outputs -> new LossMCXENT(weights(outputs));
                            p.outputActivation = Activation.SOFTMAX;
                            p.labels = Plan.Labels.CLASSES;
                        },
                        "weights"));
    }

    private static INDArray weights(int outputs) {
        return Nd4j.linspace(0.5, 2, outputs, DataType.DOUBLE).reshape(1, outputs);
    }

    private static Option loss(String name, LossFunction loss, Activation activation, Plan.Labels labels) {
        return of(
                name,
                p -> {
                    p.loss = outputs -> loss.getILossFunction();
                    p.outputActivation = activation;
                    p.labels = labels;
                },
                loss.getILossFunction().getClass().getSimpleName(),
                loss.name());
    }
}
