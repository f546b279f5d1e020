package org.phantom4j.layers;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import org.deeplearning4j.exception.DL4JInvalidConfigException;
import org.deeplearning4j.exception.DL4JInvalidInputException;
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
                "nOut=3, which cannot be cut into 4 shards",
                assertThrows(DL4JInvalidConfigException.class, () -> network(narrow)));
    }

    @Test
    void activationsThatNeedAllOutputsOfALoss() {
        for (Activation activation : new Activation[] {Activation.SOFTMAX, Activation.RRELU}) {
            assertMessage(
                    "a ShardedLossLayer computes activations of each output alone",
                    assertThrows(IllegalArgumentException.class, () -> new ShardedLossLayer.Builder()
                            .shards(4)
                            .activation(activation)
                            .build()));
        }
    }

    @Test
    void lossesThatAreNotSumsOverOutputs() {
        for (LossFunction loss : new LossFunction[] {LossFunction.MCXENT, LossFunction.COSINE_PROXIMITY}) {
            assertMessage(
                    "a ShardedLossLayer computes MSE, L2, MAE and L1 without weights",
                    assertThrows(
                            IllegalArgumentException.class,
                            () -> new ShardedLossLayer.Builder(loss).shards(4).build()));
        }
        assertThrows(IllegalArgumentException.class, () -> new ShardedLossLayer.Builder(new LossMSE(Nd4j.ones(1, 4)))
                .shards(4)
                .build());
        assertThrows(IllegalArgumentException.class, () -> new ShardedLossLayer.Builder(new LossL2(Nd4j.ones(1, 4)))
                .shards(4)
                .build());
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
                assertThrows(DL4JInvalidInputException.class, () -> network.output(Nd4j.ones(DataType.DOUBLE, 2, 7))));
        Exception e = assertThrows(
                DL4JInvalidInputException.class,
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
        MultiLayerConfiguration configuration = Networks.classifier(Networks.defaults());
        CommException e = assertThrows(
                CommException.class,
                () -> LocalRanks.run(2, LONG, group -> {
                    MultiLayerNetwork network = network(configuration);
                    (group.rank() == 0 ? network : CommunicationPlan.apply(network)).fit(data());
                    return null;
                }));
        assertEquals(CommException.Reason.MISMATCH, e.reason());
        assertMessage("rank 0 called ", e);
        assertMessage("rank 1 called ", e);
        assertMessage("all ranks must call the same collectives in the same order", e);
    }
}
