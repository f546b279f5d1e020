package org.phantom4j.comm.aeron;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.phantom4j.comm.CommunicatorContract;
import org.phantom4j.comm.LocalRanks;
import org.phantom4j.comm.RandomCollectives;
import org.phantom4j.comm.RankRunner;

/** The contract over Aeron within a host, with windows that most messages do not fit into. */
class AeronIpcTest extends CommunicatorContract {

    private static final int SEEDS = 8;

    @Override
    protected RankRunner ranks() {
        AeronOptions options =
                AeronOptions.defaults().withTimeout(Duration.ofMinutes(2)).withTermLengths(256 * 1024, 256 * 1024);
        return new RankRunner() {
            @Override
            public <T> List<T> run(int size, LocalRanks.Body<T> body) throws Exception {
                return AeronRanks.run(size, options, body);
            }
        };
    }

    /** Up to three collectives under way at a time, in three groups. */
    @ParameterizedTest
    @ValueSource(ints = {2, 3, 4, 5})
    void randomCollectivesAreThoseOfTheLocalBackEnd(int size) throws Exception {
        for (int seed = 0; seed < SEEDS; seed++) {
            RandomCollectives collectives = new RandomCollectives(seed, 80, 2_000);
            List<long[]> expected = LocalRanks.run(size, Duration.ofMinutes(2), collectives::run);
            List<long[]> actual = ranks().run(size, collectives::run);
            for (int rank = 0; rank < size; rank++) {
                for (int step = 0; step < collectives.steps(); step++) {
                    assertEquals(expected.get(rank)[step], actual.get(rank)[step], collectives.describe(step));
                }
            }
        }
    }
}
