package org.phantom4j.layers.ranks;

import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** A thread of an executor, as those of a program's own or of ParallelInference. */
final class OtherThread {

    private OtherThread() {}

    static <T> T call(Callable<T> body) throws Exception {
        ExecutorService executor = Executors.newSingleThreadExecutor(work -> new Thread(work, "pool-thread"));
        try {
            return executor.submit(body).get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Exception cause) {
                throw cause;
            }
            throw e;
        } finally {
            executor.shutdown();
        }
    }
}
