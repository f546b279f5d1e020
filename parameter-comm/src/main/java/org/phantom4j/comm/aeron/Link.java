package org.phantom4j.comm.aeron;

import io.aeron.ExclusivePublication;
import io.aeron.Image;
import io.aeron.Publication;
import io.aeron.Subscription;
import io.aeron.logbuffer.BufferClaim;
import io.aeron.logbuffer.ControlledFragmentHandler;
import io.aeron.logbuffer.ControlledFragmentHandler.Action;
import io.aeron.logbuffer.Header;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.phantom4j.comm.CommException;
import org.phantom4j.comm.CommException.Reason;

/**
 * Two ranks of a group, seen from one of them: a stream to the peer and one from it. Belongs to its rank's thread.
 *
 * <p>Every fragment starts with a header of 48 bytes:
 *
 * <pre>
 * 0 the job's token (8) | 8 step: 2 · collective's number + stage (8) | 16 offset in the block (8) | 24 {@link Signature}
 * </pre>
 */
final class Link implements AutoCloseable {

    static final int HEADER_LENGTH = 24 + Signature.LENGTH;

    /** Lengths of fragments are cut to this, so that no element is cut. */
    private static final int ALIGNMENT = 64;

    /** The peer's number in the group. */
    final int peer;

    /** Number of the collective that sends next, and of the one that receives next. */
    long sending;

    long receiving;

    private final long token;
    private final AeronTransport.Pair streams;
    private final ExclusivePublication publication;
    private final Subscription subscription;
    private final int maxData;
    private final BufferClaim claim = new BufferClaim();
    private final ControlledFragmentHandler handler = this::onFragment;
    private Image image;
    private Exchange receiver;
    private long droppedFragments;

    Link(int peer, long token, AeronTransport.Pair streams) {
        this.peer = peer;
        this.token = token;
        this.streams = streams;
        this.publication = streams.publication();
        this.subscription = streams.subscription();
        int payload = publication.maxPayloadLength() - HEADER_LENGTH;
        this.maxData = payload >= ALIGNMENT ? payload / ALIGNMENT * ALIGNMENT : payload / Long.BYTES * Long.BYTES;
    }

    /** Whether both streams have reached the peer. */
    boolean connected() {
        if (image == null && subscription.imageCount() > 0) {
            image = subscription.imageAtIndex(0);
        }
        return image != null && publication.isConnected();
    }

    /** The most bytes of data that a fragment carries. */
    int maxData() {
        return maxData;
    }

    /**
     * Sends one fragment.
     *
     * @param address of {@code length} bytes, at most {@link #maxData()}
     * @return false if the window is full: try again later
     */
    boolean send(long step, Signature signature, long offset, long address, int length) {
        long position = publication.tryClaim(HEADER_LENGTH + length, claim);
        if (position == Publication.ADMIN_ACTION) {
            position = publication.tryClaim(HEADER_LENGTH + length, claim);
        }
        if (position < 0) {
            if (position == Publication.CLOSED || position == Publication.MAX_POSITION_EXCEEDED) {
                throw new CommException(
                        Reason.CLOSED, "the stream to rank " + peer + " of the group was closed: " + publication);
            }
            return false;
        }
        MutableDirectBuffer buffer = claim.buffer();
        int start = claim.offset();
        buffer.putLong(start, token);
        buffer.putLong(start + 8, step);
        buffer.putLong(start + 16, offset);
        signature.encode(buffer, start + 24);
        if (length > 0) {
            Copies.copy(address, buffer.addressOffset() + start + HEADER_LENGTH, length);
        }
        claim.commit();
        return true;
    }

    /** Hands up to {@code limit} waiting fragments to {@code exchange}; returns how many. */
    int receive(Exchange exchange, int limit) {
        receiver = exchange;
        return image.controlledPoll(handler, limit);
    }

    private Action onFragment(DirectBuffer buffer, int offset, int length, Header header) {
        if (length < HEADER_LENGTH || buffer.getLong(offset) != token) {
            droppedFragments++;
            return Action.CONTINUE;
        }
        return receiver.onFragment(
                this, buffer.getLong(offset + 8), buffer.getLong(offset + 16), buffer, offset + 24, length);
    }

    /** Fragments that were not of this job. */
    long droppedFragments() {
        return droppedFragments;
    }

    @Override
    public void close() {
        streams.close();
    }
}
