package org.phantom4j.layers;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import org.deeplearning4j.nn.conf.GradientNormalization;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.nd4j.linalg.lossfunctions.impl.LossL2;
import org.nd4j.linalg.lossfunctions.impl.LossMSE;
import org.phantom4j.comm.CommException;
import org.phantom4j.comm.LocalRanks;

class LayerErrorsTest {

    private static final Duration LONG = Duration.ofMinutes(10);

    private static void assertMessage(String part, Exception e) {
        assertTrue(String.valueOf(e.getMessage()).contains(part), e.toString());
    }

    private static MultiLayerNetwork network(MultiLayerConfiguration configuration) {
        MultiLayerNetwork network = new MultiLayerNetwork(configuration.clone());
        network.init();
        return network;
    }

    @Test
    void sizesOutOfRange() {
        assertMessage(
                "phantom width must be at least 1, not 0",
                assertThrows(IllegalArgumentException.class, () -> Networks.phantom(8, 0)
                        .build()));
        for (int shards : new int[] {0, -1}) {
            String message = "shards must be at least 1, not " + shards;
            assertMessage(message, assertThrows(IllegalArgumentException.class, () -> Networks.phantom(8, 1)
                    .shards(shards)
                    .build()));
            assertMessage(message, assertThrows(IllegalArgumentException.class, () -> Networks.tensor(8)
                    .shards(shards)
                    .build()));
            assertMessage(message, assertThrows(IllegalArgumentException.class, () -> Networks.output()
                    .shards(shards)
                    .build()));
            assertMessage(message, assertThrows(IllegalArgumentException.class, () -> new ShardedLossLayer.Builder()
                    .shards(shards)
                    .build()));
        }
        MultiLayerConfiguration narrow = Networks.list(
                Networks.defaults(),
                Networks.phantom(3, 1).build(),
                Networks.output().build());
        assertMessage(
                "a width of 3 cannot be cut into 4 shards",
                assertThrows(IllegalArgumentException.class, () -> network(narrow)));
    }

    @Test
    void activationsThatNeedAllOutputs() {
        MultiLayerConfiguration softmax = Networks.list(
                Networks.defaults(),
                Networks.phantom(8, 1).activation(Activation.SOFTMAX).build(),
                Networks.output().build());
        assertMessage(
                "softmax belongs into a ShardedOutputLayer",
                assertThrows(IllegalArgumentException.class, () -> network(softmax)));
        MultiLayerConfiguration rrelu = Networks.list(
                Networks.defaults(),
                Networks.tensor(8).activation(Activation.RRELU).build(),
                Networks.output().build());
        assertMessage(
                "is not a function of each output alone",
                assertThrows(IllegalArgumentException.class, () -> network(rrelu)));
    }

    @Test
    void lossesThatAreNotSumsOverOutputs() {
        for (LossFunction loss : new LossFunction[] {LossFunction.MCXENT, LossFunction.COSINE_PROXIMITY}) {
            assertMessage(
                    "a ShardedLossLayer computes MSE, L2, MAE and L1 without weights",
                    assertThrows(IllegalArgumentException.class, () -> new ShardedLossLayer.Builder(loss).build()));
        }
        assertThrows(IllegalArgumentException.class, () -> new ShardedLossLayer.Builder(new LossMSE(Nd4j.ones(1, 4)))
                .build());
        assertThrows(IllegalArgumentException.class, () -> new ShardedLossLayer.Builder(new LossL2(Nd4j.ones(1, 4)))
                .build());
    }

    @Test
    void gradientNormsOfWholeLayersOnSeveralRanks() throws Exception {
        for (GradientNormalization normalization : new GradientNormalization[] {
            GradientNormalization.ClipL2PerLayer, GradientNormalization.RenormalizeL2PerLayer
        }) {
            MultiLayerConfiguration configuration =
                    Networks.classifier(Networks.defaults().gradientNormalization(normalization));
            network(configuration).fit(data());
            Exception e = assertThrows(
                    IllegalArgumentException.class, () -> LocalRanks.run(2, LONG, group -> network(configuration)));
            assertMessage("needs the norm of a whole layer, which no rank has", e);
        }
    }

    private static DataSet data() {
        return TrainingRun.data(4, Networks.FEATURES, Networks.CLASSES, true);
    }

    @Test
    void inputsAndLabelsOfAnotherWidth() throws Exception {
        MultiLayerConfiguration configuration = Networks.list(
                Networks.defaults(),
                Networks.phantom(8, 1).build(),
                Networks.output().build());
        MultiLayerNetwork network = network(configuration);
        assertMessage(
                "input of shape [2, 7] is invalid: expected [batch, 6]",
                assertThrows(IllegalArgumentException.class, () -> network.output(Nd4j.ones(DataType.DOUBLE, 2, 7))));
        Exception e = assertThrows(
                IllegalArgumentException.class,
                () -> LocalRanks.run(
                        2, LONG, group -> network(configuration).output(Nd4j.ones(DataType.DOUBLE, 2, 5))));
        assertMessage("this rank's part", e);

        NeuralNetConfiguration.Builder defaults = Networks.defaults();
        MultiLayerNetwork regression = network(Networks.regression(
                defaults, new ShardedLossLayer.Builder().shards(4).build()));
        DataSet wrong = new DataSet(
                Nd4j.ones(DataType.DOUBLE, 2, Networks.FEATURES), Nd4j.ones(DataType.DOUBLE, 2, Networks.TARGETS + 1));
        assertMessage(
                "labels of shape [2, 10] do not fit: expected [batch, 9]",
                assertThrows(IllegalArgumentException.class, () -> regression.fit(wrong)));
    }

    @Test
    void ranksThatDoNotDivideTheShards() {
        Exception e = assertThrows(
                IllegalArgumentException.class,
                () -> LocalRanks.run(3, LONG, group -> network(Networks.classifier(Networks.defaults()))));
        assertMessage("4 shards cannot be spread over 3 ranks", e);
    }

    @Test
    void aRankThatThrowsFailsTheOthersAtOnce() {
        Exception[] seen = new Exception[4];
        IllegalStateException thrown = new IllegalStateException("disk full");
        Exception e = assertThrows(
                IllegalStateException.class,
                () -> LocalRanks.run(4, LONG, group -> {
                    MultiLayerNetwork network = network(Networks.classifier(Networks.defaults()));
                    network.fit(data());
                    if (group.rank() == 2) {
                        throw thrown;
                    }
                    try {
                        network.fit(data());
                    } catch (CommException failure) {
                        seen[group.rank()] = failure;
                        throw failure;
                    }
                    return null;
                }));
        assertSame(thrown, e);
        for (int rank : new int[] {0, 1, 3}) {
            CommException failure = (CommException) seen[rank];
            assertEquals(CommException.Reason.RANK_FAILED, failure.reason());
            assertMessage("rank 2 failed: java.lang.IllegalStateException: disk full", failure);
            assertTrue(hasCause(failure, thrown), "the cause is rank 2's exception");
        }
    }

    private static boolean hasCause(Throwable e, Throwable cause) {
        for (Throwable each = e; each != null; each = each.getCause()) {
            if (each == cause) {
                return true;
            }
        }
        return false;
    }

    @Test
    void ranksOnDifferentPathsAreBothNamed() {
        MultiLayerConfiguration gathered = Networks.classifier(Networks.defaults());
        MultiLayerConfiguration planned = CommunicationPlan.apply(gathered.clone());
        CommException e = assertThrows(
                CommException.class,
                () -> LocalRanks.run(2, LONG, group -> {
                    network(group.rank() == 0 ? gathered : planned).fit(data());
                    return null;
                }));
        assertEquals(CommException.Reason.MISMATCH, e.reason());
        assertMessage("rank 0 called ", e);
        assertMessage("rank 1 called ", e);
        assertMessage("all ranks must call the same collectives in the same order", e);
    }
}
