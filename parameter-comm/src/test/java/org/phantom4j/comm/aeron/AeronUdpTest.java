package org.phantom4j.comm.aeron;

import java.time.Duration;
import java.util.List;
import org.phantom4j.comm.CommunicatorContract;
import org.phantom4j.comm.LocalRanks;
import org.phantom4j.comm.RankRunner;

/** The contract over Aeron's UDP, as between hosts. */
class AeronUdpTest extends CommunicatorContract {

    @Override
    protected long[] lengths() {
        return new long[] {1, 1000};
    }

    @Override
    protected long manyElements() {
        return 100_001;
    }

    @Override
    protected RankRunner ranks() {
        AeronOptions options = AeronOptions.defaults()
                .withTimeout(Duration.ofMinutes(2))
                .withTermLengths(256 * 1024, 256 * 1024)
                .withTreatAsRemote(true);
        return new RankRunner() {
            @Override
            public <T> List<T> run(int size, LocalRanks.Body<T> body) throws Exception {
                return AeronRanks.run(size, options, body);
            }
        };
    }
}
