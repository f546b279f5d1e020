package org.phantom4j.layers.gpu.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Optional;
import java.util.function.UnaryOperator;
import org.deeplearning4j.nn.api.OptimizationAlgorithm;
import org.deeplearning4j.nn.conf.GradientNormalization;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.activations.impl.ActivationELU;
import org.nd4j.linalg.activations.impl.ActivationLReLU;
import org.nd4j.linalg.activations.impl.ActivationReLU;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.learning.config.RmsProp;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.ILossFunction;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.nd4j.linalg.lossfunctions.impl.LossL2;
import org.nd4j.linalg.lossfunctions.impl.LossMCXENT;
import org.nd4j.linalg.lossfunctions.impl.LossMSE;
import org.nd4j.linalg.lossfunctions.impl.LossNegativeLogLikelihood;
import org.nd4j.linalg.schedule.ISchedule;
import org.nd4j.linalg.schedule.ScheduleType;
import org.nd4j.linalg.schedule.StepSchedule;
import org.phantom4j.layers.PhantomDenseLayer;
import org.phantom4j.layers.ShardedLossLayer;
import org.phantom4j.layers.ShardedOutputLayer;
import org.phantom4j.layers.TensorParallelDenseLayer;
import org.phantom4j.layers.gpu.GpuTrainer;
import org.phantom4j.ops.ShardRange;
import org.phantom4j.ops.gpu.Precision;

/** What the compiled step takes of Deeplearning4j's configurations, and what it says of the rest. Needs no GPU. */
class StackParserTest {

    private static NeuralNetConfiguration.Builder defaults(IUpdater updater) {
        return new NeuralNetConfiguration.Builder()
                .dataType(DataType.FLOAT)
                .updater(updater)
                .activation(Activation.RELU);
    }

    private static MultiLayerConfiguration list(NeuralNetConfiguration.Builder defaults, Layer... layers) {
        return defaults.list(layers).setInputType(InputType.feedForward(10)).build();
    }

    private static PhantomDenseLayer.Builder phantom() {
        return new PhantomDenseLayer.Builder().nOut(12).shards(2).phantomWidth(3);
    }

    private static Layer tensor() {
        return new TensorParallelDenseLayer.Builder().nOut(8).shards(2).build();
    }

    private static Layer loss() {
        return new ShardedLossLayer.Builder(LossFunction.MSE).shards(2).build();
    }

    private static ShardedOutputLayer.Builder output() {
        return new ShardedOutputLayer.Builder(LossFunction.MCXENT)
                .nOut(4)
                .shards(2)
                .activation(Activation.SOFTMAX);
    }

    private static Stack parse(MultiLayerConfiguration configuration) throws Exception {
        return StackParser.parse(configuration, 1, Precision.FP32);
    }

    private static String obstacle(MultiLayerConfiguration configuration) {
        return GpuTrainer.obstacle(configuration, 1, Precision.FP32).orElse("none");
    }

    private static String obstacleOf(UnaryOperator<PhantomDenseLayer.Builder> change) {
        return obstacle(list(defaults(new Sgd(0.1)), change.apply(phantom()).build(), loss()));
    }

    @Test
    void readsLayersEndAndUpdater() throws Exception {
        Stack stack = parse(list(defaults(new Nesterovs(0.1, 0.8)), phantom().build(), tensor(), output().build()));
        assertEquals(2, stack.layers().size());
        assertTrue(stack.layers().get(0).phantom());
        assertEquals(12, stack.layers().get(1).geometry().nIn());
        assertEquals(2, stack.shards());
        assertEquals(16, stack.widest(new ShardRange(0, 2)));
        assertEquals(new Stack.End(Stack.End.Kind.SOFTMAX, 4, 2, true), stack.end());
        assertEquals(new Stack.Update.Nesterovs(0.1, 0.8), stack.update());
    }

    @Test
    void readsLossesAndAdam() throws Exception {
        Stack stack = parse(list(defaults(new Adam(0.01)), phantom().build(), loss()));
        assertEquals(new Stack.End(Stack.End.Kind.SQUARED, 12, 2, false), stack.end());
        assertInstanceOf(Stack.Update.Adam.class, stack.update());
        Layer squared = new ShardedOutputLayer.Builder(LossFunction.MSE)
                .nOut(4)
                .shards(2)
                .activation(Activation.IDENTITY)
                .build();
        assertEquals(
                Stack.End.Kind.OUTPUT_SQUARED,
                parse(list(defaults(new Sgd(0.1)), phantom().build(), squared))
                        .end()
                        .kind());
    }

    @Test
    void saysWhatALayerHasThatItDoesNotDo() {
        assertEquals("none", obstacleOf(builder -> builder));
        assertEquals("layer 0 has dropout", obstacleOf(builder -> builder.dropOut(0.5)));
        assertEquals("layer 0 is regularised", obstacleOf(builder -> builder.l2(0.1)));
        assertEquals(
                "layer 0 normalises gradients",
                obstacleOf(
                        builder -> builder.gradientNormalization(GradientNormalization.ClipElementWiseAbsoluteValue)));
        Layer faster = phantom().updater(new Sgd(0.2)).build();
        assertEquals("its layers differ in updaters", obstacle(list(defaults(new Sgd(0.1)), faster, output().build())));
        assertTrue(obstacleOf(builder -> builder.activation(Activation.GELU)).startsWith("layer 0 has activation"));
    }

    /** The kernels take a derivative from the activation's value, which tells it only for some parameters. */
    @Test
    void saysWhichParametersOfActivationsItDoesNotDo() {
        for (IActivation done : new IActivation[] {
            new ActivationLReLU(), new ActivationLReLU(0.5), new ActivationLReLU(2), new ActivationELU(1)
        }) {
            assertEquals("none", obstacleOf(builder -> builder.activation(done)), done.toString());
        }
        for (IActivation refused : new IActivation[] {
            new ActivationLReLU(-0.25),
            new ActivationLReLU(0),
            new ActivationLReLU(Double.NaN),
            new ActivationELU(0.5),
            new ActivationELU(-1),
            new ActivationReLU(6.0, null, null),
            new ActivationReLU(null, 0.5, null),
            new ActivationReLU(null, null, 0.1)
        }) {
            assertEquals(
                    "layer 0 has activation " + refused + ": identity, relu, leakyrelu of a slope above 0, elu of alpha"
                            + " 1, tanh and sigmoid are computed",
                    obstacleOf(builder -> builder.activation(refused)));
        }
    }

    @Test
    void saysWhichOptimisationItDoesNotDo() {
        assertEquals(
                "its score is to be as large as possible (minimize is false)",
                obstacle(list(defaults(new Sgd(0.1)).minimize(false), phantom().build(), loss())));
        for (OptimizationAlgorithm algorithm : OptimizationAlgorithm.values()) {
            String found = obstacle(list(
                    defaults(new Sgd(0.1)).optimizationAlgo(algorithm),
                    phantom().build(),
                    loss()));
            boolean done = algorithm == OptimizationAlgorithm.STOCHASTIC_GRADIENT_DESCENT;
            assertEquals(done ? "none" : "its optimizationAlgo is " + algorithm, found);
        }
    }

    private static String obstacleOf(ILossFunction loss, Activation activation) {
        Layer end = new ShardedOutputLayer.Builder(loss)
                .nOut(4)
                .shards(2)
                .activation(activation)
                .build();
        return obstacle(list(defaults(new Sgd(0.1)), phantom().build(), end));
    }

    @Test
    void saysWhichLossesItDoesNotDo() {
        INDArray weights = Nd4j.createFromArray(1f, 2f, 3f, 4f).reshape(1, 4);
        assertEquals("none", obstacleOf(new LossMCXENT(), Activation.SOFTMAX));
        assertEquals("none", obstacleOf(new LossNegativeLogLikelihood(), Activation.SOFTMAX));
        assertEquals("none", obstacleOf(new LossMSE(), Activation.IDENTITY));
        assertEquals(
                "its loss clips at 1.0E-5, not at 1.0E-10", obstacleOf(new LossMCXENT(1e-5, null), Activation.SOFTMAX));
        assertTrue(obstacleOf(new LossMCXENT(weights), Activation.SOFTMAX).startsWith("it ends with loss"));
        assertTrue(obstacleOf(new LossMSE(weights), Activation.IDENTITY).startsWith("it ends with loss"));
        assertTrue(obstacleOf(new LossL2(), Activation.IDENTITY).startsWith("it ends with loss"));
        ILossFunction changed = new LossMSE() {
            @Override
            public double computeScore(
                    INDArray labels, INDArray preOutput, IActivation activation, INDArray mask, boolean average) {
                return 2 * super.computeScore(labels, preOutput, activation, mask, average);
            }
        };
        assertTrue(obstacleOf(changed, Activation.IDENTITY).startsWith("it ends with loss"));
    }

    @Test
    void saysWhichLayersAndUpdatersItDoesNotDo() {
        Layer dense = new DenseLayer.Builder().nOut(12).build();
        assertEquals(
                "layer 0 is a DenseLayer",
                obstacle(list(defaults(new Sgd(0.1)), dense, phantom().build(), loss())));
        assertTrue(obstacle(list(defaults(new RmsProp(0.1)), phantom().build(), loss()))
                .startsWith("its updater is RmsProp"));
        ISchedule schedule = new StepSchedule(ScheduleType.ITERATION, 0.1, 0.5, 10);
        assertTrue(obstacle(list(defaults(new Sgd(schedule)), phantom().build(), loss()))
                .startsWith("its updater is Sgd"));
        Layer hinge = new ShardedOutputLayer.Builder(LossFunction.HINGE)
                .nOut(4)
                .shards(2)
                .activation(Activation.IDENTITY)
                .build();
        assertTrue(
                obstacle(list(defaults(new Sgd(0.1)), phantom().build(), hinge)).startsWith("it ends with loss"));
        Layer others = new PhantomDenseLayer.Builder()
                .nOut(12)
                .shards(3)
                .phantomWidth(1)
                .build();
        assertEquals(
                "its layers differ in shards",
                obstacle(list(defaults(new Sgd(0.1)), phantom().build(), others, loss())));
    }

    @Test
    void saysWhichTypesAndWidthsItDoesNotDo() {
        MultiLayerConfiguration floats =
                list(defaults(new Sgd(0.1)), phantom().nOut(13).build(), tensor(), loss());
        assertEquals(Optional.empty(), GpuTrainer.obstacle(floats, 1, Precision.BF16));
        assertEquals(Optional.empty(), GpuTrainer.obstacle(floats, 2, Precision.TF32));
        assertEquals(
                Optional.of("its data type is FLOAT, but precision FP64 needs DOUBLE"),
                GpuTrainer.obstacle(floats, 1, Precision.FP64));
    }

    @Test
    void endsMayHaveOtherShardsWhereTheyHaveTheSameNeurons() throws Exception {
        MultiLayerConfiguration ten = list(
                defaults(new Sgd(0.1)),
                phantom().nOut(10).shards(4).build(),
                output().shards(2).build());
        assertEquals(2, parse(ten).end().shards());
        assertEquals(
                Optional.of(
                        "its end is cut into 2 shards, which on 2 ranks are of other neurons than those of its layers' 4"),
                GpuTrainer.obstacle(ten, 2, Precision.FP32));
        MultiLayerConfiguration twelve = list(
                defaults(new Sgd(0.1)),
                phantom().nOut(12).shards(4).build(),
                output().shards(2).build());
        assertEquals(Optional.empty(), GpuTrainer.obstacle(twelve, 2, Precision.FP32));
        MultiLayerConfiguration whole = list(
                defaults(new Sgd(0.1)), phantom().build(), output().shards(1).build());
        assertTrue(
                GpuTrainer.obstacle(whole, 2, Precision.FP32).orElseThrow().startsWith("its end is cut into 1 shards"));
    }
}
