package org.phantom4j.comm.world;

import java.io.IOException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import org.phantom4j.comm.CommException;
import org.phantom4j.comm.CommException.Reason;
import org.phantom4j.comm.Deadlines;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Where a job's ranks meet: rank 0 listens, the others connect to MASTER_ADDR. Either may come first. */
final class Rendezvous {

    private static final Logger LOG = LoggerFactory.getLogger(Rendezvous.class);

    /** How often a rank tries again while rank 0 is not up. */
    private static final long RETRY_MS = 100;

    /** How long one attempt may take: a network can swallow what is sent, and rank 0 may come up meanwhile. */
    private static final long ATTEMPT_MS = 3_000;

    private final World world;
    private final Secret secret;
    private final Duration timeout;
    private final long beganNs = System.nanoTime();
    private final InetAddress[] addresses;
    private boolean said;

    /**
     * Finds out where it is. The time until the deadline runs from here, for all that is to be done.
     *
     * @throws CommException REFUSED if MASTER_ADDR is no known host within the timeout
     */
    Rendezvous(World world, Secret secret, Duration timeout) {
        this.world = world;
        this.secret = secret;
        this.timeout = timeout;
        this.addresses = resolve();
    }

    private InetAddress[] resolve() {
        while (true) {
            try {
                return lookUp();
            } catch (UnknownHostException e) {
                // the names of a cluster's containers can be later than the containers
                if (leftMs() <= 0) {
                    throw new CommException(
                            Reason.REFUSED,
                            "MASTER_ADDR '" + world.masterAddress() + "' is not a known host: " + e.getMessage(),
                            e);
                }
                pause();
            }
        }
    }

    /** In a thread of its own: a name server that does not answer takes longer than the deadline. */
    private InetAddress[] lookUp() throws UnknownHostException {
        FutureTask<InetAddress[]> task = new FutureTask<>(() -> InetAddress.getAllByName(world.masterAddress()));
        DaemonThread.start("master-address", task);
        try {
            return task.get(Math.max(1, leftMs()), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            throw (UnknownHostException) new UnknownHostException(e.getCause().getMessage()).initCause(e.getCause());
        } catch (TimeoutException e) {
            throw (UnknownHostException) new UnknownHostException("no name server answers").initCause(e);
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    private long leftMs() {
        return timeout.toMillis() - TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - beganNs);
    }

    private static void pause() {
        try {
            Thread.sleep(RETRY_MS);
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    private static CommException interrupted(InterruptedException e) {
        Thread.currentThread().interrupt();
        return new CommException(Reason.CLOSED, "interrupted while joining the job", e);
    }

    /**
     * Where rank 0 listens. At an address of this host that MASTER_ADDR gives in numbers, at that one. Else everywhere: what a
     * name is for this host (localhost, 127.0.1.1, one of its networks) or in front of it (a service) is not what it is for
     * others. Where all ranks are known to be on this host, nobody else is listened to.
     */
    static InetAddress listening(World world, InetAddress address) throws IOException {
        boolean here = address.isLoopbackAddress() || NetworkInterface.getByInetAddress(address) != null;
        if (here && (world.oneHost() || isNumeric(world.masterAddress()))) {
            return address;
        }
        return address instanceof Inet6Address
                ? InetAddress.getByAddress(new byte[16])
                : InetAddress.getByAddress(new byte[4]);
    }

    private static boolean isNumeric(String address) {
        return address.contains(":") || address.matches("\\d+(\\.\\d+){3}");
    }

    /** Rank 0's part. */
    Coordinator listen(Coordinator.Terms terms) {
        try {
            InetAddress listening = listening(world, addresses[0]);
            InetAddress own = listening.isAnyLocalAddress() ? loopback(listening) : listening;
            Coordinator coordinator = new Coordinator(listening, world.masterPort(), terms, secret, timeout);
            addresses[0] = own;
            return coordinator;
        } catch (IOException e) {
            throw new CommException(
                    Reason.REFUSED,
                    "rank 0 cannot listen at " + this + ": " + e.getMessage()
                            + "; is the port free? Two jobs on one host need two values of MASTER_PORT (or of "
                            + Launch.PORT + "), and only one process may be rank 0",
                    e);
        }
    }

    private static InetAddress loopback(InetAddress family) throws IOException {
        byte[] six = new byte[16];
        six[15] = 1;
        return InetAddress.getByAddress(family instanceof Inet6Address ? six : new byte[] {127, 0, 0, 1});
    }

    /**
     * A connection to rank 0.
     *
     * @param check throws why there is none to wait for any more, if that is so
     * @throws CommException REFUSED if it does not want this process; TIMEOUT if it is not there
     */
    ControlChannel connect(Runnable check) {
        for (int attempt = 0; true; attempt++) {
            InetAddress address = addresses[world.rank() == 0 ? 0 : attempt % addresses.length];
            try {
                return connect(address);
            } catch (ControlChannel.RefusedException e) {
                check.run();
                throw new CommException(Reason.REFUSED, "rank " + world.rank() + " was refused: " + e.getMessage(), e);
            } catch (IOException e) {
                check.run();
                if (leftMs() <= 0) {
                    throw new CommException(
                            Reason.TIMEOUT,
                            "rank " + world.rank() + " found no rank 0 at " + this + " within " + timeout.toMillis()
                                    + " ms: " + e.getMessage() + hint(address, e),
                            e);
                }
                sayOnce(address, e);
                pause();
            }
        }
    }

    private ControlChannel connect(InetAddress address) throws IOException {
        int attemptMs = (int) Math.max(1, Math.min(ATTEMPT_MS, leftMs()));
        Socket socket = new Socket();
        try {
            socket.connect(new InetSocketAddress(address, world.masterPort()), attemptMs);
        } catch (IOException e) {
            socket.close();
            throw e;
        }
        return ControlChannel.connect(socket, secret, (int) Math.max(RETRY_MS, leftMs()));
    }

    private void sayOnce(InetAddress address, IOException e) {
        if (!said && System.nanoTime() - beganNs > Deadlines.SAY_AFTER_NS) {
            said = true;
            LOG.warn("rank {} waits for rank 0 at {}: {}{}", world.rank(), this, e.getMessage(), hint(address, e));
        }
    }

    private static String hint(InetAddress address, IOException e) {
        if (address.isLoopbackAddress()) {
            return "; that is this host: if rank 0 is on another, MASTER_ADDR must be what other hosts call that one";
        }
        return e instanceof SocketTimeoutException
                ? "; what is sent there is lost: does a firewall drop it, or is the address one of another network?"
                : "";
    }

    /** Host and port, and what the host's name stands for here. */
    @Override
    public String toString() {
        String numbers = Arrays.stream(addresses == null ? new InetAddress[0] : addresses)
                .map(InetAddress::getHostAddress)
                .collect(Collectors.joining(", "));
        return world.masterAddress() + ":" + world.masterPort()
                + (numbers.equals(world.masterAddress()) || numbers.isEmpty() ? "" : " (" + numbers + ")");
    }
}
