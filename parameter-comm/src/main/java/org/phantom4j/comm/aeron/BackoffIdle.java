package org.phantom4j.comm.aeron;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.agrona.concurrent.IdleStrategy;

/**
 * Spins, then yields, then sleeps, and sleeps once for every so many yields, too, however much work there was in between.
 *
 * <p>Two ranks that have come to share a processor give way to each other by yielding, always find work, and would stay
 * together: the system moves a thread to an idle processor when it wakes up, not when it yields. Belongs to one thread.
 */
@SuppressWarnings("ThreadPriorityCheck") // yields where it has been measured to help
final class BackoffIdle implements IdleStrategy {

    private static final int SPINS = 200;
    private static final int YIELDS_PER_SLEEP = 300;
    private static final long SHORTEST_NS = TimeUnit.MICROSECONDS.toNanos(10);
    private static final long LONGEST_NS = TimeUnit.MICROSECONDS.toNanos(100);

    private int spins;
    private int yields;
    private long sleepNs = SHORTEST_NS;

    @Override
    public void idle(int workCount) {
        if (workCount > 0) {
            reset();
        } else {
            idle();
        }
    }

    @Override
    public void idle() {
        if (spins < SPINS) {
            spins++;
            Thread.onSpinWait();
        } else if (yields < YIELDS_PER_SLEEP) {
            yields++;
            Thread.yield();
        } else {
            LockSupport.parkNanos(sleepNs);
            sleepNs = Math.min(2 * sleepNs, LONGEST_NS);
        }
    }

    @Override
    public void reset() {
        spins = 0;
        if (sleepNs != SHORTEST_NS) {
            yields = 0;
            sleepNs = SHORTEST_NS;
        }
    }
}
