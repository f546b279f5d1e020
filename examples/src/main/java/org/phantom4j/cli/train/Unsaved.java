package org.phantom4j.cli.train;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What becomes of a training that ends early: says on standard error what was saved and what not, when this process is asked
 * to end or the training fails. Only the rank that saves speaks. Steps are counted by the
 * rank's thread.
 */
final class Unsaved implements AutoCloseable {

    private final boolean speaks;
    private final Path target;
    private final int steps;
    private final boolean existed;
    private final Thread atShutdown = new Thread(() -> say("interrupted"), "say-what-was-saved");
    private final AtomicInteger done = new AtomicInteger();
    private volatile String saved;

    /**
     * Starts to watch.
     *
     * @param speaks whether this rank says anything
     * @param target what the model is to be saved as; null if it is not
     */
    Unsaved(boolean speaks, Path target, int steps) {
        this.speaks = speaks;
        this.target = target;
        this.steps = steps;
        this.existed = target != null && Files.exists(target);
        if (speaks) {
            Runtime.getRuntime().addShutdownHook(atShutdown);
        }
    }

    void step() {
        done.incrementAndGet();
    }

    /** Notes what became of the model. */
    void saved(String sentence) {
        saved = sentence;
    }

    /** Says what there is of a training that failed. */
    void failed() {
        if (speaks && done.get() > 0) {
            say("ended");
        }
    }

    private void say(String how) {
        System.err.println("phantom: " + how + " after step " + done + " of " + steps + ": " + sentence());
    }

    private String sentence() {
        if (saved != null) {
            return saved;
        }
        if (target == null) {
            return "nothing is saved, as --save was not given";
        }
        return "the model is not saved, " + target + (existed ? " is as it was before" : " is not written");
    }

    @Override
    public void close() {
        try {
            Runtime.getRuntime().removeShutdownHook(atShutdown);
        } catch (IllegalStateException e) {
            // this process is being shut down: the hook runs already
            Thread.onSpinWait();
        }
    }
}
