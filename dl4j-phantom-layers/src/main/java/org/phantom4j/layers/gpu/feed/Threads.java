package org.phantom4j.layers.gpu.feed;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Threads that work for a feed; none of them keeps the process alive. */
final class Threads {

    private static final Logger LOG = LoggerFactory.getLogger(Threads.class);
    private static final long END_MS = 10_000;

    private Threads() {}

    static ExecutorService pool(int threads, String name) {
        return Executors.newFixedThreadPool(threads, work -> daemon(work, name));
    }

    static Thread daemon(Runnable work, String name) {
        Thread thread = new Thread(work, name);
        thread.setDaemon(true);
        return thread;
    }

    /** Ends a pool's threads, whose pieces of work are short. */
    static void end(ExecutorService pool) {
        pool.shutdownNow();
        try {
            if (!pool.awaitTermination(END_MS, TimeUnit.MILLISECONDS)) {
                LOG.warn("threads that prepare batches have not ended after {} ms", END_MS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Interrupts a thread and waits until it has ended; returns whether it has. */
    static boolean end(Thread thread) {
        thread.interrupt();
        try {
            thread.join(END_MS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return !thread.isAlive();
    }
}
