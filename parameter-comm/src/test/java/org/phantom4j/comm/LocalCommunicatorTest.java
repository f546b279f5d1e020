package org.phantom4j.comm;

import java.time.Duration;
import java.util.List;

/** The contract over ranks that are threads. */
class LocalCommunicatorTest extends CommunicatorContract {

    @Override
    protected RankRunner ranks() {
        return new RankRunner() {
            @Override
            public <T> List<T> run(int size, LocalRanks.Body<T> body) throws Exception {
                return LocalRanks.run(size, Duration.ofMinutes(2), body);
            }
        };
    }
}
