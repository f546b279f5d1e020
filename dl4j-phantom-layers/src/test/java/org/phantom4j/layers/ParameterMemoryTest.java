package org.phantom4j.layers;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.List;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.phantom4j.comm.LocalRanks;

class ParameterMemoryTest {

    /** Values that a rank holds: parameters, the updater's state, and gradients. */
    private record Held(long parameters, long updaterState, long gradients) {}

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4})
    void aRankHoldsItsShareOfParametersStateAndGradients(int ranks) throws Exception {
        MultiLayerConfiguration configuration = Networks.defaults()
                .list(
                        Networks.phantom(16, 2).build(),
                        Networks.tensor(12).build(),
                        Networks.phantom(8, 3).build(),
                        new ShardedOutputLayer.Builder(LossFunction.MSE)
                                .nOut(3)
                                .shards(4)
                                .hasBias(false)
                                .build())
                .setInputType(InputType.feedForward(8))
                .build();
        long phantom = 8 * 16 / 4 + 2 * 8 + 3 * 2 * 16 + 16;
        long tensor = 16 * 12 + 12;
        long second = 12 * 8 / 4 + 3 * 12 + 3 * 3 * 8 + 8;
        long whole = phantom + tensor + second + 8 * 3;
        DataSet data = TrainingRun.data(4, 8, 3, false);
        List<Held> held = LocalRanks.run(ranks, Duration.ofMinutes(2), group -> {
            MultiLayerNetwork network = new MultiLayerNetwork(configuration.clone());
            network.init();
            CommunicationPlan.apply(network);
            network.fit(data.copy());
            return new Held(
                    network.params().length(),
                    network.getUpdater().getStateViewArray().length(),
                    network.getFlattenedGradients().length());
        });
        for (Held each : held) {
            assertEquals(new Held(whole / ranks, 2 * whole / ranks, whole / ranks), each);
        }
    }
}
