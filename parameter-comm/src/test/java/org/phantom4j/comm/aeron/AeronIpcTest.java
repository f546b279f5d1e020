package org.phantom4j.comm.aeron;

import java.time.Duration;
import java.util.List;
import org.phantom4j.comm.CommunicatorContract;
import org.phantom4j.comm.LocalRanks;
import org.phantom4j.comm.RankRunner;

/** The contract over Aeron within a host, with windows that most messages do not fit into. */
class AeronIpcTest extends CommunicatorContract {

    @Override
    protected RankRunner ranks() {
        AeronOptions options =
                AeronOptions.defaults().withTimeout(Duration.ofSeconds(20)).withTermLengths(256 * 1024, 256 * 1024);
        return new RankRunner() {
            @Override
            public <T> List<T> run(int size, LocalRanks.Body<T> body) throws Exception {
                return AeronRanks.run(size, options, body);
            }
        };
    }
}
