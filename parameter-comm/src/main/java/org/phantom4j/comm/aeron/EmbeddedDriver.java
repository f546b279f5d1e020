package org.phantom4j.comm.aeron;

import io.aeron.driver.MediaDriver;
import io.aeron.driver.ThreadingMode;
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

    private final DriverDirectories.Claim claim;
    private final MediaDriver driver;

    /**
     * @param customize changes the driver's context: for faults
     * @param onError what to do with an error of the driver
     */
    EmbeddedDriver(AeronOptions options, UnaryOperator<MediaDriver.Context> customize, Consumer<Throwable> onError) {
        this.claim = DriverDirectories.claim(DriverDirectories.base());
        boolean threads = Runtime.getRuntime().availableProcessors() >= PROCESSORS_FOR_THREADS;
        long livenessNs = AeronTransport.livenessNs(options);
        MediaDriver.Context context = new MediaDriver.Context()
                .aeronDirectoryName(claim.directory.toString())
                .threadingMode(threads ? ThreadingMode.DEDICATED : ThreadingMode.SHARED)
                .sharedIdleStrategy(idle())
                .conductorIdleStrategy(idle())
                .senderIdleStrategy(idle())
                .receiverIdleStrategy(idle())
                .termBufferSparseFile(true)
                .clientLivenessTimeoutNs(livenessNs)
                .publicationUnblockTimeoutNs(2 * livenessNs)
                .imageLivenessTimeoutNs(livenessNs)
                .publicationConnectionTimeoutNs(livenessNs)
                .publicationLingerTimeoutNs(livenessNs)
                .errorHandler(onError::accept);
        try {
            this.driver = MediaDriver.launch(customize.apply(context));
        } catch (RuntimeException e) {
            claim.close();
            throw e;
        }
    }

    private static IdleStrategy idle() {
        return new BackoffIdleStrategy(100, 50, TimeUnit.MICROSECONDS.toNanos(10), TimeUnit.MICROSECONDS.toNanos(100));
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
