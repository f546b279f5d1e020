package org.phantom4j.ops;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.phantom4j.comm.LocalRanks;
import org.phantom4j.ops.golden.GoldenCase;
import org.phantom4j.ops.golden.GoldenLayer;

class GoldenLayerTest {

    private static final Path GOLDEN = Path.of(System.getProperty("repository.root"), "../shared/golden");

    @ParameterizedTest
    @ValueSource(strings = {"layer-even", "layer-uneven", "layer-one-shard"})
    void agreesOnEveryRankCount(String name) throws Exception {
        GoldenCase golden = read(name);
        for (int ranks : divisors(golden.shards())) {
            check(golden, ranks, DataType.DOUBLE, 1e-10);
            check(golden, ranks, DataType.FLOAT, 1e-5);
        }
    }

    private static void check(GoldenCase golden, int ranks, DataType type, double bound) throws Exception {
        List<Map<String, Double>> errors =
                LocalRanks.run(ranks, Duration.ofMinutes(2), group -> new GoldenLayer(golden, type).errors());
        int expected = ranks * 2 + golden.shards() * (golden.shards() == 1 ? 3 : 4);
        int compared = errors.stream().mapToInt(Map::size).sum();
        assertEquals(expected, compared, "arrays compared");
        errors.forEach(rank -> rank.forEach((array, error) -> assertTrue(
                error <= bound, golden.name() + " on " + ranks + " ranks in " + type + ": " + array + " " + error)));
    }

    private static GoldenCase read(String name) throws IOException {
        Assumptions.assumeTrue(Files.isDirectory(GOLDEN), "no golden values at " + GOLDEN);
        return new GoldenCase(GOLDEN.resolve(name));
    }

    private static int[] divisors(int shards) {
        return IntStream.rangeClosed(1, shards).filter(r -> shards % r == 0).toArray();
    }
}
