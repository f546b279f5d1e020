package org.phantom4j.comm.aeron;

import io.aeron.ExclusivePublication;
import io.aeron.Image;
import io.aeron.Subscription;
import io.aeron.logbuffer.FragmentHandler;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import org.agrona.concurrent.IdleStrategy;
import org.agrona.concurrent.UnsafeBuffer;
import org.phantom4j.comm.CommException;
import org.phantom4j.comm.CommException.Reason;
import org.phantom4j.comm.Communicator;

/**
 * Aeron without collectives, to measure them against: one publication to a peer and one subscription from it, with the
 * settings of the communicator whose ranks they join. Belongs to its rank's thread.
 */
public final class RawAeron implements AutoCloseable {

    private static final int FRAGMENTS = 8;

    private final ExclusivePublication publication;
    private final Subscription subscription;
    private final Image image;
    private final IdleStrategy idle;
    private final UnsafeBuffer source;
    private final UnsafeBuffer target;
    private final FragmentHandler handler;
    private final long timeoutNs;
    private int received;

    private RawAeron(AeronTransport.Pair pair, AeronOptions options, int bytes) {
        this.publication = pair.publication();
        this.subscription = pair.subscription();
        this.idle = options.idle().newStrategy();
        this.timeoutNs = options.timeout().toNanos();
        this.source = new UnsafeBuffer(ByteBuffer.allocateDirect(bytes));
        this.target = new UnsafeBuffer(ByteBuffer.allocateDirect(bytes));
        this.handler = (buffer, offset, length, header) -> {
            buffer.getBytes(offset, target, received % target.capacity(), length);
            received += length;
        };
        long beganNs = System.nanoTime();
        while (subscription.imageCount() == 0 || !publication.isConnected()) {
            checkDeadline(beganNs);
            idle.idle();
        }
        this.image = subscription.imageAtIndex(0);
    }

    /**
     * Joins ranks 0 and 1 of a group of Aeron's. Both call it; messages are {@code bytes} long.
     *
     * @throws IllegalArgumentException if the communicator is another back end's
     */
    public static RawAeron between(Communicator pair, int bytes) {
        if (!(pair instanceof AeronCommunicator communicator) || pair.size() != 2) {
            throw new IllegalArgumentException("raw Aeron is measured between two ranks of the back end aeron");
        }
        RawAeron raw = new RawAeron(communicator.rawPair(), communicator.options(), bytes);
        pair.barrier();
        return raw;
    }

    /** Sends one message. */
    public void send() {
        int largest = publication.maxPayloadLength();
        for (int sent = 0; sent < source.capacity(); ) {
            int length = Math.min(largest, source.capacity() - sent);
            long beganNs = System.nanoTime();
            while (publication.offer(source, sent, length) < 0) {
                checkDeadline(beganNs);
                idle.idle();
            }
            idle.reset();
            sent += length;
        }
    }

    /** Receives one message. */
    public void receive() {
        long beganNs = System.nanoTime();
        while (received < target.capacity()) {
            int work = image.poll(handler, FRAGMENTS);
            if (work == 0) {
                checkDeadline(beganNs);
            }
            idle.idle(work);
        }
        // of the next message, some may be here already
        received -= target.capacity();
    }

    private void checkDeadline(long beganNs) {
        if (System.nanoTime() - beganNs > timeoutNs) {
            throw new CommException(
                    Reason.TIMEOUT,
                    "raw Aeron made no progress in " + TimeUnit.NANOSECONDS.toMillis(timeoutNs) + " ms");
        }
    }

    @Override
    public void close() {
        publication.close();
        subscription.close();
    }
}
