package org.phantom4j.layers.gpu.feed;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;

/** The threads of feeds that are alive. */
final class FeedThreads {

    private FeedThreads() {}

    static void assertNone() {
        List<String> alive = Thread.getAllStackTraces().keySet().stream()
                .map(Thread::getName)
                .filter(name -> name.equals("feed") || name.startsWith("feed-"))
                .toList();
        assertEquals(List.of(), alive);
    }
}
