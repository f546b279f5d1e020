package org.phantom4j.comm.nccl;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;
import org.phantom4j.comm.CommException;
import org.phantom4j.comm.CommException.Reason;

/**
 * What ends the waits of one rank: a thread that looks at NCCL's errors, at the other ranks and at the deadlines, and aborts
 * NCCL's work on this rank's device as soon as the rank has failed, whoever found that out. Kernels that wait for a rank
 * that will not come end then, and so does every host thread that waits for them.
 */
final class NcclWatch implements AutoCloseable {

    private static final long POLL_NS = 10_000_000;
    private static final long NS_PER_MS = 1_000_000;

    /** Work whose deadline is watched. */
    interface Watched {
        /** Why this work cannot go on; null if it can. Called from the watch's thread. */
        CommException trouble(long nowNs);

        /** Gives it up, so that nothing waits for it any more. Called from the watch's thread, once. */
        void giveUp();
    }

    private final ControlGroup control;
    private final List<Watched> watched = new CopyOnWriteArrayList<>();
    private final Thread thread;
    private volatile CommException failure;
    private volatile boolean closed;

    NcclWatch(ControlGroup control) {
        this.control = control;
        this.thread = new Thread(this::run, "nccl-watch-" + control.rank());
        thread.setDaemon(true);
        thread.start();
    }

    ControlGroup control() {
        return control;
    }

    void add(Watched work) {
        watched.add(work);
    }

    void remove(Watched work) {
        watched.remove(work);
    }

    private void run() {
        while (!closed) {
            if (failure == null) {
                look();
            }
            if (failure != null) {
                for (Watched work : List.copyOf(watched)) {
                    work.giveUp();
                    watched.remove(work);
                }
            }
            LockSupport.parkNanos(POLL_NS);
        }
    }

    private void look() {
        try {
            control.check();
            long nowNs = System.nanoTime();
            for (Watched work : watched) {
                CommException trouble = work.trouble(nowNs);
                if (trouble != null) {
                    fail(trouble);
                    return;
                }
            }
        } catch (CommException e) {
            failure = e;
        } catch (RuntimeException | LinkageError e) {
            fail(new CommException(
                    Reason.RANK_FAILED,
                    control.name(control.rank()) + " cannot watch its device: " + e.getMessage(),
                    e));
        }
    }

    /** Fails this rank and all others; the group's first failure stays and is returned. */
    CommException fail(CommException cause) {
        CommException first = control.fail(cause);
        failure = first;
        LockSupport.unpark(thread);
        return first;
    }

    /** Throws the failure, as an exception of the calling thread's own, if there is one. Cheap. */
    void check() {
        CommException cause = failure;
        if (cause != null) {
            throw new CommException(cause.reason(), cause.getMessage(), cause);
        }
    }

    boolean hasFailed() {
        return failure != null;
    }

    /** Ends the watch, after a failure when everything has been given up, or the deadline has passed. */
    @Override
    public void close() {
        long beganNs = System.nanoTime();
        while (failure != null
                && !watched.isEmpty()
                && System.nanoTime() - beganNs < control.timeout().toNanos()) {
            LockSupport.parkNanos(NS_PER_MS);
        }
        closed = true;
        LockSupport.unpark(thread);
        try {
            thread.join(Math.max(1, control.timeout().toMillis()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
