package org.phantom4j.comm.world;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.UnknownHostException;
import java.time.Duration;
import org.phantom4j.comm.CommException;
import org.phantom4j.comm.CommException.Reason;

/** Where a job's ranks meet: rank 0 listens at MASTER_ADDR, the others connect. Either may come first. */
final class Rendezvous {

    /** How often a rank tries again while rank 0 is not up. */
    private static final long RETRY_MS = 100;

    private final World world;
    private final Secret secret;
    private final Duration timeout;
    private final InetAddress address;

    /**
     * Finds out where it is.
     *
     * @throws CommException REFUSED if MASTER_ADDR is no known host within the timeout
     */
    Rendezvous(World world, Secret secret, Duration timeout) {
        this.world = world;
        this.secret = secret;
        this.timeout = timeout;
        this.address = resolve();
    }

    private InetAddress resolve() {
        long beganNs = System.nanoTime();
        while (true) {
            try {
                return InetAddress.getByName(world.masterAddress());
            } catch (UnknownHostException e) {
                // the names of a cluster's containers can be later than the containers
                if (isOver(beganNs)) {
                    throw new CommException(
                            Reason.REFUSED, "MASTER_ADDR '" + world.masterAddress() + "' is not a known host", e);
                }
                pause();
            }
        }
    }

    private boolean isOver(long beganNs) {
        return System.nanoTime() - beganNs > timeout.toNanos();
    }

    private static void pause() {
        try {
            Thread.sleep(RETRY_MS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CommException(Reason.CLOSED, "interrupted while joining the job", e);
        }
    }

    /** Rank 0's part. */
    Coordinator listen(Coordinator.Terms terms) {
        try {
            return new Coordinator(address, world.masterPort(), terms, secret, timeout);
        } catch (IOException e) {
            throw new CommException(
                    Reason.REFUSED,
                    "rank 0 cannot listen at " + this + ": " + e.getMessage()
                            + "; is that an address of this host, and is the port free? Two jobs on one host need two"
                            + " values of MASTER_PORT, and only one process may be rank 0",
                    e);
        }
    }

    /**
     * A connection to rank 0.
     *
     * @param check throws why there is none to wait for any more, if that is so
     * @throws CommException REFUSED if it does not want this process; TIMEOUT if it is not there
     */
    ControlChannel connect(Runnable check) {
        long beganNs = System.nanoTime();
        while (true) {
            try {
                return ControlChannel.connect(new Socket(address, world.masterPort()), secret);
            } catch (ControlChannel.RefusedException e) {
                check.run();
                throw new CommException(Reason.REFUSED, "rank " + world.rank() + " was refused: " + e.getMessage(), e);
            } catch (IOException e) {
                check.run();
                if (isOver(beganNs)) {
                    throw new CommException(
                            Reason.TIMEOUT,
                            "rank " + world.rank() + " found no rank 0 at " + this + " within " + timeout.toMillis()
                                    + " ms: " + e.getMessage(),
                            e);
                }
                pause();
            }
        }
    }

    /** Host and port. */
    @Override
    public String toString() {
        return world.masterAddress() + ":" + world.masterPort();
    }
}
