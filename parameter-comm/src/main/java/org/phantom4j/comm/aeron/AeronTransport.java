package org.phantom4j.comm.aeron;

import io.aeron.Aeron;
import io.aeron.ChannelUriStringBuilder;
import io.aeron.CommonContext;
import io.aeron.ExclusivePublication;
import io.aeron.Subscription;
import io.aeron.exceptions.AeronException;
import io.aeron.logbuffer.FrameDescriptor;
import java.io.File;
import java.io.IOException;
import java.net.StandardSocketOptions;
import java.nio.channels.DatagramChannel;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.agrona.CloseHelper;
import org.phantom4j.comm.CommException;
import org.phantom4j.comm.CommException.Reason;

/**
 * A process's connection to its machine's media driver, and the streams over it. Thread-safe.
 *
 * <p>Liveness timeouts of Aeron are set far above the ranks' deadline: which rank is alive is for {@link Health} to say,
 * and a stream has to survive what the ranks survive.
 */
final class AeronTransport implements AutoCloseable {

    /** The most bytes that Aeron carries in one fragment. */
    private static final int IPC_MTU_LENGTH = 65504;

    /** Asked of the system for what arrives over UDP; it may give less. */
    private static final int UDP_RECEIVE_BUFFER = 1 << 22;

    /** The least that a sender may send before it has to wait: a datagram must fit, whatever its length. */
    private static final int SHORTEST_UDP_WINDOW = 1 << 16;

    /** The stream that reserves this process's UDP port. */
    private static final int PORT_STREAM = Integer.MAX_VALUE;

    private static final long DRIVER_START_MS = 10_000;

    /** Of a stream. */
    private static final int TERMS = 3;

    /** What the streams of a group may take on one machine, unless terms would be shorter than the shortest. */
    private static final long IPC_BYTES_PER_GROUP = 256L << 20;

    private static final int SHORTEST_IPC_TERM = 1 << 20;

    /** More than the caches hold, so that what one processor wrote is not fetched from its cache, line by line, to be cleared. */
    private static final int LONGEST_IPC_TERM = 1 << 23;

    /**
     * Both directions between this rank and a peer.
     *
     * @param endpoint where the peer listens; null if it is on this machine
     * @param neighbours ranks of the group on this machine
     */
    record Stream(String endpoint, int neighbours, int sessionId, int toPeer, int fromPeer) {}

    private final AeronOptions options;
    private final File directory;
    private final Aeron aeron;
    /** By which the driver knows the port that {@link #listen} opened. */
    private final long portTag;

    private Subscription portHolder;

    /**
     * Connects to the media driver.
     *
     * @param directory of the driver, on this machine
     * @param onError what to do when Aeron fails: the streams are lost then
     */
    AeronTransport(AeronOptions options, String directory, Consumer<Throwable> onError) {
        this.options = options;
        this.directory = new File(directory);
        requireDriver(directory);
        Aeron.Context context = new Aeron.Context()
                .aeronDirectoryName(directory)
                .driverTimeoutMs(TimeUnit.NANOSECONDS.toMillis(livenessNs(options)))
                .errorHandler(onError::accept)
                .subscriberErrorHandler(onError::accept);
        try {
            this.aeron = Aeron.connect(context);
        } catch (AeronException e) {
            throw new CommException(
                    Reason.RANK_FAILED,
                    "no media driver answers in " + directory + ": is one running there, as this user? "
                            + e.getMessage(),
                    e);
        }
        this.portTag = aeron.nextCorrelationId();
    }

    /** Aeron itself would wait for a driver as long as it waits for one that is paused. */
    private static void requireDriver(String directory) {
        long beganNs = System.nanoTime();
        while (!CommonContext.isDriverActive(new File(directory), DRIVER_START_MS, message -> {})) {
            if (System.nanoTime() - beganNs > TimeUnit.MILLISECONDS.toNanos(DRIVER_START_MS)) {
                throw new CommException(
                        Reason.RANK_FAILED,
                        "no media driver is active in " + directory + ": is one running there, as this user?");
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
        }
    }

    AeronOptions options() {
        return options;
    }

    boolean isClosed() {
        return aeron.isClosed();
    }

    /**
     * Reserves a UDP port at which this process can be reached from other machines.
     *
     * @param address of this machine
     * @param senders streams that lead here: their windows share what the socket holds, or datagrams are lost in it
     * @return address:port
     */
    synchronized String listen(String address, int senders) {
        int buffer = receiveBuffer();
        portHolder = aeron.addSubscription(
                new ChannelUriStringBuilder()
                        .media("udp")
                        .tags(Long.toString(portTag))
                        .endpoint(bracketed(address) + ":0")
                        .socketRcvbufLength(buffer)
                        .receiverWindowLength(Math.max(SHORTEST_UDP_WINDOW, buffer / Math.max(1, senders)))
                        .build(),
                PORT_STREAM);
        long beganNs = System.nanoTime();
        while (System.nanoTime() - beganNs < options.timeout().toNanos()) {
            List<String> addresses = portHolder.localSocketAddresses();
            if (!addresses.isEmpty()) {
                return addresses.get(0);
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
        }
        throw new CommException(
                Reason.TIMEOUT,
                "the media driver opened no UDP port at " + address + ": is that an address of this machine?");
    }

    /** What a socket gets of what it asks for. */
    private static int receiveBuffer() {
        try (DatagramChannel channel = DatagramChannel.open()) {
            channel.setOption(StandardSocketOptions.SO_RCVBUF, UDP_RECEIVE_BUFFER);
            return Math.min(UDP_RECEIVE_BUFFER, channel.getOption(StandardSocketOptions.SO_RCVBUF));
        } catch (IOException e) {
            throw new CommException(Reason.RANK_FAILED, "this machine opens no UDP socket: " + e.getMessage(), e);
        }
    }

    private static String bracketed(String address) {
        return address.contains(":") && !address.startsWith("[") ? "[" + address + "]" : address;
    }

    /** Both directions, opened. */
    record Pair(ExclusivePublication publication, Subscription subscription) implements AutoCloseable {
        @Override
        public void close() {
            CloseHelper.quietCloseAll(publication, subscription);
        }
    }

    /** Opens both directions; they connect in the background. */
    Pair open(Stream stream) {
        boolean near = stream.endpoint() == null;
        ChannelUriStringBuilder from = new ChannelUriStringBuilder().sessionId(stream.sessionId());
        ChannelUriStringBuilder to = new ChannelUriStringBuilder().sessionId(stream.sessionId());
        if (near) {
            from.media("ipc");
            to.media("ipc");
        } else {
            from.media("udp").tags(Long.toString(portTag));
            to.media("udp").endpoint(stream.endpoint());
        }
        Subscription subscription = aeron.addSubscription(from.build(), stream.fromPeer());
        try {
            int termLength = near ? ipcTermLength(stream.neighbours()) : options.udpTermLength();
            int mtuLength = near ? IPC_MTU_LENGTH : options.udpMtuLength();
            to.termLength(termLength).mtu(Math.min(mtuLength, FrameDescriptor.computeMaxMessageLength(termLength)));
            return new Pair(aeron.addExclusivePublication(to.build(), stream.toPeer()), subscription);
        } catch (RuntimeException e) {
            subscription.close();
            throw e;
        }
    }

    private int ipcTermLength(int neighbours) {
        if (options.ipcTermLength() != 0) {
            return options.ipcTermLength();
        }
        long streams = (long) neighbours * (neighbours - 1);
        // memory of files that runs out ends a process: stay far from it
        long bytes = Math.min(IPC_BYTES_PER_GROUP, directory.getUsableSpace() / 4);
        long fitting = Long.highestOneBit(bytes / (TERMS * streams));
        return (int) Math.max(SHORTEST_IPC_TERM, Math.min(LONGEST_IPC_TERM, fitting));
    }

    @Override
    public void close() {
        // closing a stream by itself would wait for the driver, which may be what has failed
        aeron.close();
    }

    /** How long Aeron keeps what belongs to a silent client or peer. */
    static long livenessNs(AeronOptions options) {
        return options.timeout().toNanos() + TimeUnit.SECONDS.toNanos(30);
    }
}
