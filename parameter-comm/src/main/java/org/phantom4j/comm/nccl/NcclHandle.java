package org.phantom4j.comm.nccl;

import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.phantom4j.comm.CommException;
import org.phantom4j.comm.CommException.Reason;
import org.phantom4j.comm.cuda.CudaDevice;

/**
 * One of NCCL's communicators from its making to its end, whichever of the two it comes to: destroyed by the rank's thread, or
 * aborted by the rank's watch.
 */
final class NcclHandle implements NcclWatch.Watched {

    /** How long an abort waits for the rank's thread to leave NCCL, which may be waiting there for the others. */
    private static final long LEAVE_NS = 1_000_000_000L;

    private static final long NS_PER_MS = 1_000_000;

    private final NcclWatch watch;
    private final CudaDevice device;
    private final String who;
    private final Supplier<CommException> overdue;
    private final long timeoutNs;
    private final int[] asyncError = new int[1];
    private volatile long comm;
    /** When the rank's thread entered NCCL; 0 while it is outside. */
    private volatile long insideSinceNs;

    /** Makes NCCL's communicator. */
    interface Creation {
        int run(long[] comm);
    }

    /**
     * No communicator yet.
     *
     * @param who the rank, for messages
     * @param overdue why the rank is still in NCCL at the deadline
     */
    NcclHandle(NcclWatch watch, CudaDevice device, String who, Supplier<CommException> overdue) {
        this.watch = watch;
        this.device = device;
        this.who = who;
        this.overdue = overdue;
        this.timeoutNs = watch.control().timeout().toNanos();
    }

    /**
     * Makes it. NCCL has no deadline for that, nor can it be stopped: it works on a thread of its own, which is left behind if
     * the other ranks do not come. Whoever gets here has exchanged with all of them just before.
     */
    void create(String call, int ranks, Creation creation) {
        long[] made = new long[1];
        int[] result = new int[1];
        Throwable[] thrown = new Throwable[1];
        Thread creator = start("nccl-create", () -> {
            try {
                device.bind();
                result[0] = creation.run(made);
            } catch (Throwable e) {
                thrown[0] = e;
            }
        });
        long beganNs = System.nanoTime();
        try {
            while (creator.isAlive()) {
                creator.join(1);
                watch.check();
                watch.control().check();
                if (System.nanoTime() - beganNs > timeoutNs) {
                    throw watch.fail(new CommException(
                            Reason.TIMEOUT,
                            who + " waited " + timeoutNs / NS_PER_MS + " ms for NCCL to connect " + ranks
                                    + " ranks: is another one stuck, or do the devices not reach one another"
                                    + " (NCCL_DEBUG=INFO says more)?"));
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw watch.fail(new CommException(Reason.CLOSED, who + " was interrupted", e));
        }
        if (thrown[0] != null) {
            throw watch.fail(
                    new CommException(Reason.RANK_FAILED, where() + ": " + call + " failed: " + thrown[0], thrown[0]));
        }
        check(call, result[0]);
        comm = made[0];
        watch.add(this);
    }

    private Thread start(String name, Runnable body) {
        Thread thread = new Thread(body, name + "-" + watch.control().rank());
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    /**
     * NCCL's communicator, for a call. What is between this and {@link #leave} is in NCCL: an abort waits for it, within
     * bounds.
     */
    long enter() {
        insideSinceNs = System.nanoTime() | 1;
        long handle = comm;
        if (handle == 0 || watch.hasFailed()) {
            insideSinceNs = 0;
            watch.check();
            throw new CommException(Reason.CLOSED, who + " has left the group");
        }
        return handle;
    }

    void leave(String call, int result) {
        if (result == Nccl.SUCCESS) {
            insideSinceNs = 0;
            return;
        }
        String message = Nccl.message(result, comm);
        insideSinceNs = 0;
        watch.check();
        throw failed(call, message);
    }

    void check(String call, int result) {
        if (result != Nccl.SUCCESS) {
            throw failed(call, Nccl.message(result, 0));
        }
    }

    private CommException failed(String call, String message) {
        return watch.fail(new CommException(Reason.RANK_FAILED, where() + ": " + call + " failed: " + message));
    }

    private String where() {
        return who + " on device " + device.ordinal();
    }

    @Override
    public CommException trouble(long nowNs) {
        long since = insideSinceNs;
        if (since != 0 && nowNs - since > timeoutNs) {
            return overdue.get();
        }
        synchronized (this) {
            if (comm == 0) {
                return null;
            }
            int result = Nccl.ncclCommGetAsyncError(comm, asyncError);
            int found = result == Nccl.SUCCESS ? asyncError[0] : result;
            return found == Nccl.SUCCESS || found == Nccl.IN_PROGRESS
                    ? null
                    : new CommException(Reason.RANK_FAILED, where() + ": NCCL reports: " + Nccl.message(found, comm));
        }
    }

    @Override
    public void giveUp() {
        long beganNs = System.nanoTime();
        while (insideSinceNs != 0 && System.nanoTime() - beganNs < LEAVE_NS) {
            LockSupport.parkNanos(NS_PER_MS);
        }
        long handle = take();
        if (handle != 0) {
            device.bind();
            Nccl.ncclCommAbort(handle);
        }
    }

    /** NCCL's communicator, for the one who ends it; 0 if somebody has. */
    private synchronized long take() {
        long handle = comm;
        comm = 0;
        return handle;
    }

    /** Destroys it, when the rank's work is done; after a failure it is the watch that aborts it. */
    void close() {
        if (watch.hasFailed()) {
            return;
        }
        watch.remove(this);
        long handle = take();
        if (handle == 0) {
            return;
        }
        // NCCL may wait there for a rank that has died
        Thread destroyer = start("nccl-destroy", () -> {
            device.bind();
            Nccl.ncclCommDestroy(handle);
        });
        try {
            long beganNs = System.nanoTime();
            while (destroyer.isAlive() && !watch.hasFailed() && System.nanoTime() - beganNs < timeoutNs) {
                destroyer.join(1);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
