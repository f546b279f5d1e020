package org.phantom4j.layers.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.learning.config.Sgd;
import org.phantom4j.comm.LocalRanks;
import org.phantom4j.comm.RankContext;
import org.phantom4j.ops.golden.GoldenCase;

/** The checks that verify engines, here of Deeplearning4j's layers, and that they find what is wrong. */
class EngineChecksTest {

    private static final Path GOLDEN = Path.of(System.getProperty("repository.root"), "../shared/golden");

    private static StepTrainer layers(MultiLayerNetwork network) {
        return StepTrainer.ofLayers(network, RankContext.runAlone(RankContext::current));
    }

    private static double worst(Map<String, Double> errors) {
        return errors.values().stream().mapToDouble(Double::doubleValue).max().orElseThrow();
    }

    private static List<GoldenCase> layerCases() throws IOException {
        Assumptions.assumeTrue(Files.isDirectory(GOLDEN), "no golden values at " + GOLDEN);
        return GoldenCase.in(GOLDEN).stream()
                .filter(golden -> !golden.isTraining())
                .toList();
    }

    @ParameterizedTest
    @EnumSource(names = {"FLOAT", "DOUBLE"})
    void goldenLayersComeOutOfASteppedNetwork(DataType type) throws IOException {
        double bound = type == DataType.DOUBLE ? 1e-12 : 5e-6;
        for (GoldenCase golden : layerCases()) {
            Map<String, Double> sgd =
                    new GoldenStep(golden).errors(type, new Sgd(GoldenStep.RATE), EngineChecksTest::layers);
            Map<String, Double> momentum =
                    new GoldenStep(golden).errors(type, new Nesterovs(GoldenStep.RATE, 0), EngineChecksTest::layers);
            assertTrue(worst(sgd) < bound, golden.name() + ": " + sgd);
            assertTrue(worst(momentum) < bound, golden.name() + ": " + momentum);
            assertEquals(2 + golden.shards() * (golden.shards() == 1 ? 5 : 6), sgd.size(), sgd.toString());
        }
    }

    @Test
    void aWrongGradientIsFound() throws IOException {
        GoldenCase golden = layerCases().get(0);
        Map<String, Double> errors = new GoldenStep(golden)
                .errors(DataType.DOUBLE, new Sgd(1.001 * GoldenStep.RATE), EngineChecksTest::layers);
        assertEquals(1e-3, errors.get("dC0"), 1e-9, errors.toString());
        assertTrue(errors.get("z") < 1e-12, errors.toString());
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void gradientsAreThoseOfTheLoss(int ranks) throws Exception {
        LocalRanks.run(ranks, Duration.ofSeconds(60), group -> {
            Map<String, Double> errors = FiniteDifferences.errors(EngineChecksTest::layers);
            assertTrue(worst(errors) < FiniteDifferences.BOUND, errors.toString());
            assertTrue(errors.get("3_b") > 0, errors.toString());
            return null;
        });
    }

    /** How far float is from double after 200 steps: what the bound of a GPU's floats must allow. */
    @Test
    void floatsStayNearDoubles() {
        Map<String, Double> errors = RandomTraining.errors(DataType.FLOAT, 200, EngineChecksTest::layers);
        assertTrue(worst(errors) < 1e-5, errors.toString());
    }
}
