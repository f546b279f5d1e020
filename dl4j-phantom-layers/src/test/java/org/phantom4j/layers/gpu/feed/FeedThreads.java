package org.phantom4j.layers.gpu.feed;

import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.List;

/** The threads of feeds that are alive. */
final class FeedThreads {

    private static final long END_MS = 60_000;

    private FeedThreads() {}

    /** A pool has ended a moment before its last thread has. */
    static void assertNone() {
        List<Thread> threads = Thread.getAllStackTraces().keySet().stream()
                .filter(thread ->
                        thread.getName().equals("feed") || thread.getName().startsWith("feed-"))
                .toList();
        for (Thread thread : threads) {
            try {
                thread.join(END_MS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            assertFalse(thread.isAlive(), thread.getName() + " is still there");
        }
    }
}
