package org.phantom4j.comm.aeron;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.aeron.driver.ext.DebugReceiveChannelEndpoint;
import io.aeron.driver.ext.DebugSendChannelEndpoint;
import io.aeron.driver.ext.LossGenerator;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.LongAdder;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.phantom4j.comm.LocalRanks;
import org.phantom4j.comm.RandomCollectives;

/** Datagrams that are lost on their way, both of data and of control, change nothing. */
@Timeout(300)
class DatagramLossTest {

    private static final int RANKS = 3;

    /** Every kind of collective, in three groups. */
    private static final RandomCollectives COLLECTIVES = new RandomCollectives(11, 60, 20_000);

    /** Drops datagrams at random, seeded, and counts what it dropped. */
    private static final class SeededLoss implements LossGenerator {
        private final Random random;
        private final double rate;
        private final LongAdder dropped;

        SeededLoss(long seed, double rate, LongAdder dropped) {
            this.random = new Random(seed);
            this.rate = rate;
            this.dropped = dropped;
        }

        @Override
        public boolean shouldDropFrame(InetSocketAddress address, UnsafeBuffer buffer, int length) {
            boolean drops = random.nextDouble() < rate;
            if (drops) {
                dropped.increment();
            }
            return drops;
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 5, 20})
    void lossChangesNothing(int percent) throws Exception {
        LongAdder dropped = new LongAdder();
        AeronOptions options =
                AeronOptions.defaults().withTimeout(Duration.ofMinutes(2)).withTreatAsRemote(true);
        double rate = percent / 100.0;
        List<long[]> results = AeronRanks.run(
                RANKS,
                options,
                context -> context.sendChannelEndpointSupplier(
                                (channel, counter, driver) -> new DebugSendChannelEndpoint(
                                        channel,
                                        counter,
                                        driver,
                                        new SeededLoss(1, rate, dropped),
                                        new SeededLoss(2, rate, dropped)))
                        .receiveChannelEndpointSupplier(
                                (channel, dispatcher, counter, driver) -> new DebugReceiveChannelEndpoint(
                                        channel,
                                        dispatcher,
                                        counter,
                                        driver,
                                        new SeededLoss(3, rate, dropped),
                                        new SeededLoss(4, rate, dropped))),
                COLLECTIVES::run);
        assertTrue(dropped.sum() > 10L * percent, "only " + dropped + " datagrams were dropped");
        List<long[]> expected = LocalRanks.run(RANKS, options.timeout(), COLLECTIVES::run);
        for (int rank = 0; rank < RANKS; rank++) {
            assertArrayEquals(expected.get(rank), results.get(rank), "rank " + rank);
        }
    }
}
