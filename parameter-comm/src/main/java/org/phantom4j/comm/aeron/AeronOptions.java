package org.phantom4j.comm.aeron;

import java.time.Duration;
import java.util.Objects;
import java.util.function.Consumer;
import org.agrona.BitUtil;

/**
 * How a process uses Aeron. Immutable; {@code with…} makes changed copies.
 *
 * @param timeout deadline of every wait for other ranks, counted from the last progress
 * @param directory directory of a media driver that runs already; null to start one in this process
 * @param idle what waiting ranks do
 * @param driverIdle what the threads of a media driver in this process do without work; streams within a host, too, wait
 *     for the driver whenever their window is full
 * @param ipcTermLength bytes of one of the three buffers of a stream within a host: a power of two, 64 KiB to 1 GiB; 0 to
 *     let the number of streams and the space for them decide
 * @param udpTermLength the same between hosts, but not 0
 * @param udpMtuLength bytes of a datagram: at most what the network carries whole, and a multiple of 32
 * @param directAllReduceBytes largest all-reduce that sends whole arrays in one step, instead of blocks in two
 * @param algorithm of all-gathers, reduce-scatters and all-reduces that are larger
 * @param treatAsRemote whether ranks of this host talk over UDP, too, as if they were on others: for tests
 */
public record AeronOptions(
        Duration timeout,
        String directory,
        Idle idle,
        Idle driverIdle,
        int ipcTermLength,
        int udpTermLength,
        int udpMtuLength,
        int directAllReduceBytes,
        Algorithm algorithm,
        boolean treatAsRemote) {

    private static final int MIN_TERM_LENGTH = 64 * 1024;

    /** The most that a message's scratch memory holds. */
    static final int MAX_DIRECT_ALL_REDUCE_BYTES = DirectExchange.CHUNK_BYTES;

    public AeronOptions {
        Objects.requireNonNull(timeout, "timeout");
        Objects.requireNonNull(idle, "idle");
        Objects.requireNonNull(driverIdle, "driverIdle");
        Objects.requireNonNull(algorithm, "algorithm");
        if (timeout.isNegative() || timeout.isZero()) {
            throw new IllegalArgumentException("timeout must be positive, not " + timeout);
        }
        if (ipcTermLength != 0) {
            requireTerm("ipcTermLength", ipcTermLength);
        }
        requireTerm("udpTermLength", udpTermLength);
        if (udpMtuLength < 256 || udpMtuLength > 65504 || udpMtuLength % 32 != 0) {
            throw new IllegalArgumentException(
                    "udpMtuLength must be a multiple of 32 from 256 to 65504, not " + udpMtuLength);
        }
        if (directAllReduceBytes < 0 || directAllReduceBytes > MAX_DIRECT_ALL_REDUCE_BYTES) {
            throw new IllegalArgumentException("directAllReduceBytes must be 0 to " + MAX_DIRECT_ALL_REDUCE_BYTES
                    + ", not " + directAllReduceBytes);
        }
    }

    private static void requireTerm(String name, int length) {
        if (length < MIN_TERM_LENGTH || length > 1 << 30 || !BitUtil.isPowerOfTwo(length)) {
            throw new IllegalArgumentException(
                    name + " must be a power of two from 65536 to 1073741824, not " + length);
        }
    }

    /** A deadline of 60 s, a media driver in this process, and what measured best on one host. */
    public static AeronOptions defaults() {
        return new AeronOptions(
                Duration.ofSeconds(60),
                null,
                Idle.BACKOFF,
                Idle.BACKOFF,
                0,
                1 << 22,
                1408,
                32 * 1024,
                Algorithm.AUTO,
                false);
    }

    public AeronOptions withTimeout(Duration value) {
        return with(change -> change.timeout = value);
    }

    public AeronOptions withDirectory(String value) {
        return with(change -> change.directory = value);
    }

    public AeronOptions withIdle(Idle value) {
        return with(change -> change.idle = value);
    }

    public AeronOptions withDriverIdle(Idle value) {
        return with(change -> change.driverIdle = value);
    }

    /** Both term lengths. */
    public AeronOptions withTermLengths(int ipc, int udp) {
        return with(change -> {
            change.ipcTermLength = ipc;
            change.udpTermLength = udp;
        });
    }

    public AeronOptions withUdpMtuLength(int value) {
        return with(change -> change.udpMtuLength = value);
    }

    public AeronOptions withDirectAllReduceBytes(int value) {
        return with(change -> change.directAllReduceBytes = value);
    }

    public AeronOptions withAlgorithm(Algorithm value) {
        return with(change -> change.algorithm = value);
    }

    public AeronOptions withTreatAsRemote(boolean value) {
        return with(change -> change.treatAsRemote = value);
    }

    private AeronOptions with(Consumer<Change> change) {
        Change copy = new Change();
        copy.timeout = timeout;
        copy.directory = directory;
        copy.idle = idle;
        copy.driverIdle = driverIdle;
        copy.ipcTermLength = ipcTermLength;
        copy.udpTermLength = udpTermLength;
        copy.udpMtuLength = udpMtuLength;
        copy.directAllReduceBytes = directAllReduceBytes;
        copy.algorithm = algorithm;
        copy.treatAsRemote = treatAsRemote;
        change.accept(copy);
        return new AeronOptions(
                copy.timeout,
                copy.directory,
                copy.idle,
                copy.driverIdle,
                copy.ipcTermLength,
                copy.udpTermLength,
                copy.udpMtuLength,
                copy.directAllReduceBytes,
                copy.algorithm,
                copy.treatAsRemote);
    }

    /** The components while some of them change. */
    private static final class Change {
        private Duration timeout;
        private String directory;
        private Idle idle;
        private Idle driverIdle;
        private int ipcTermLength;
        private int udpTermLength;
        private int udpMtuLength;
        private int directAllReduceBytes;
        private Algorithm algorithm;
        private boolean treatAsRemote;
    }
}
