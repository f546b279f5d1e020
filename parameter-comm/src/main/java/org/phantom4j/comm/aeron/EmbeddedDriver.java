package org.phantom4j.comm.aeron;

import io.aeron.driver.MediaDriver;
import io.aeron.driver.ThreadingMode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.agrona.concurrent.BackoffIdleStrategy;
import org.agrona.concurrent.IdleStrategy;

/** A media driver in this process, for all ranks of this machine. Deletes its directory when closed. */
final class EmbeddedDriver implements AutoCloseable {

    /** Processors from which the driver's three agents get a thread each. */
    private static final int PROCESSORS_FOR_THREADS = 8;

    private static final int DRIVER_THREADS = 3;

    /** After which what is lost is asked for again; both ends of a stream keep to it. Ranks wait meanwhile. */
    private static final long NAK_AGAIN_NS = TimeUnit.MILLISECONDS.toNanos(1);

    private final DriverDirectories.Claim claim;
    private final MediaDriver driver;

    /**
     * @param customize changes the driver's context: for faults
     * @param onError what to do with an error of the driver
     */
    EmbeddedDriver(AeronOptions options, UnaryOperator<MediaDriver.Context> customize, Consumer<Throwable> onError) {
        this.claim = DriverDirectories.claim();
        boolean threads = Runtime.getRuntime().availableProcessors() >= PROCESSORS_FOR_THREADS;
        long livenessNs = AeronTransport.livenessNs(options);
        MediaDriver.Context context = new MediaDriver.Context()
                .aeronDirectoryName(claim.directory.toString())
                .threadingMode(threads ? ThreadingMode.DEDICATED : ThreadingMode.SHARED)
                .sharedIdleStrategy(strategy(options.driverIdle(), threads))
                .conductorIdleStrategy(strategy(options.driverIdle(), threads))
                .senderIdleStrategy(strategy(options.driverIdle(), threads))
                .receiverIdleStrategy(strategy(options.driverIdle(), threads))
                .termBufferSparseFile(true)
                .clientLivenessTimeoutNs(livenessNs)
                .publicationUnblockTimeoutNs(2 * livenessNs)
                .imageLivenessTimeoutNs(livenessNs)
                .publicationConnectionTimeoutNs(livenessNs)
                .publicationLingerTimeoutNs(livenessNs)
                .nakUnicastDelayNs(NAK_AGAIN_NS)
                .retransmitUnicastLingerNs(NAK_AGAIN_NS)
                .errorHandler(error -> {
                    if (!isOfNetwork(error)) {
                        onError.accept(error);
                    }
                });
        ClearedLogs.installIn(context);
        try {
            this.driver = MediaDriver.launch(customize.apply(context));
        } catch (RuntimeException e) {
            claim.close();
            throw e;
        }
    }

    /** Of its own for each thread. A driver that backs off sleeps sooner than a rank: where processors are few, ranks need them. */
    private static IdleStrategy strategy(Idle idle, boolean threads) {
        if (idle != Idle.BACKOFF) {
            return idle.newStrategy();
        }
        long shortestNs = TimeUnit.MICROSECONDS.toNanos(10);
        int spins = threads ? 100 : 5;
        return new BackoffIdleStrategy(spins, threads ? 50 : 5, shortestNs, 10 * shortestNs);
    }

    /** Whether the driver's threads have processors of their own beside those of so many ranks of this machine. */
    static boolean hasProcessorsBeside(int ranks) {
        return Runtime.getRuntime().availableProcessors() >= Math.max(PROCESSORS_FOR_THREADS, ranks + DRIVER_THREADS);
    }

    /** A route that is gone may come back: what was not sent is sent again, and {@link Health} finds who stays cut off. */
    private static boolean isOfNetwork(Throwable error) {
        for (Throwable cause = error; cause != null; cause = cause.getCause()) {
            if (cause instanceof IOException) {
                return true;
            }
        }
        return false;
    }

    Path directory() {
        return claim.directory;
    }

    @Override
    public void close() {
        driver.close();
        claim.close();
    }
}
