package org.phantom4j.comm.aeron;

import static org.junit.jupiter.api.Assertions.assertEquals;
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
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Datagrams that are lost on their way, both of data and of control, change nothing. */
@Timeout(300)
class DatagramLossTest {

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
                AeronOptions.defaults().withTimeout(Duration.ofSeconds(30)).withTreatAsRemote(true);
        double rate = percent / 100.0;
        List<INDArray> results = AeronRanks.run(
                3,
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
                comm -> {
                    INDArray array =
                            Nd4j.linspace(1, 20_000, 20_000, DataType.DOUBLE).muli(comm.rank() + 1);
                    for (int i = 0; i < 5; i++) {
                        comm.allReduce(array);
                        array.divi(6);
                    }
                    return array;
                });
        assertTrue(dropped.sum() > 10L * percent, "only " + dropped + " datagrams were dropped");
        INDArray expected = Nd4j.linspace(1, 20_000, 20_000, DataType.DOUBLE);
        INDArray sum =
                expected.mul(1).addi(expected.mul(2)).addi(expected.mul(3)).divi(6);
        for (int i = 1; i < 5; i++) {
            INDArray again = sum.dup();
            sum = again.add(again).addi(again).divi(6);
        }
        for (INDArray result : results) {
            assertEquals(sum, result);
        }
    }
}
