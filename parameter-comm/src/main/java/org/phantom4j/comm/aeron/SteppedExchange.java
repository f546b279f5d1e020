package org.phantom4j.comm.aeron;

import io.aeron.logbuffer.ControlledFragmentHandler.Action;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.agrona.BufferUtil;
import org.nd4j.linalg.api.buffer.DataType;
import org.phantom4j.comm.Collective;

/**
 * A collective in steps, where a rank passes on what came from others. What is sent, and what is taken, follows the order of
 * the plan; each step is one fragment or more. A step that sends waits for the steps that take what it passes on; it may
 * follow the last of them byte by byte.
 */
final class SteppedExchange extends Exchange {

    private static final long NONE = -1;

    private final Sums sums = new Sums();
    private final int[] sendPeer;
    private final long[] sendAddress;
    private final long[] sendBytes;
    private final int[] sendAfter;
    private final boolean[] sendFollows;
    private final int[] takePeer;
    private final long[] takeAddress;
    private final long[] takeBytes;
    private final long[] takeOwn;

    // the last step that sends to each peer and takes from it, and how many bytes did so far
    private final int[] lastSend;
    private final int[] lastTake;
    private final long[] sentTo;
    private final long[] takenFrom;

    private int sends;
    private int takes;
    private int send;
    private int take;
    private long sent;
    private long taken;
    private ByteBuffer scratch = ByteBuffer.allocateDirect(0);

    SteppedExchange(Group group) {
        super(group);
        int most = 2 * size;
        this.sendPeer = new int[most];
        this.sendAddress = new long[most];
        this.sendBytes = new long[most];
        this.sendAfter = new int[most];
        this.sendFollows = new boolean[most];
        this.takePeer = new int[most];
        this.takeAddress = new long[most];
        this.takeBytes = new long[most];
        this.takeOwn = new long[most];
        this.lastSend = new int[size];
        this.lastTake = new int[size];
        this.sentTo = new long[size];
        this.takenFrom = new long[size];
    }

    // --- the plan

    SteppedExchange plan(Collective collective, DataType type, long elements, int blocksHash) {
        signature.set(collective, type, elements, blocksHash, 0);
        Arrays.fill(lastSend, -1);
        Arrays.fill(lastTake, -1);
        sends = 0;
        takes = 0;
        copyLast(0, 0, 0);
        return this;
    }

    /** Send as soon as every step planned so far has taken its bytes. */
    void send(int peer, long address, long bytes) {
        sendPeer[sends] = peer;
        sendAddress[sends] = address;
        sendBytes[sends] = bytes;
        sendAfter[sends] = takes;
        sendFollows[sends] = false;
        lastSend[peer] = sends++;
    }

    /** As {@link #send} of what the step planned last takes, each byte as soon as it is there. */
    void passOn(int peer) {
        send(peer, takeAddress[takes - 1], takeBytes[takes - 1]);
        sendFollows[sends - 1] = true;
    }

    /** Take bytes to an address. */
    void take(int peer, long address, long bytes) {
        takePeer[takes] = peer;
        takeAddress[takes] = address;
        takeBytes[takes] = bytes;
        takeOwn[takes] = 0;
        lastTake[peer] = takes++;
    }

    /** Take elements and store their sum with those at {@code own}, which may be {@code address}. */
    void takeSum(int peer, long own, long address, long bytes) {
        take(peer, address, bytes);
        takeOwn[takes - 1] = own;
    }

    /** Memory of this exchange's own. */
    long scratch(long bytes) {
        if (scratch.capacity() < bytes) {
            scratch = ByteBuffer.allocateDirect(Math.toIntExact(bytes));
        }
        return BufferUtil.address(scratch);
    }

    // --- its execution

    @Override
    void begin() {
        Arrays.fill(sentTo, 0);
        Arrays.fill(takenFrom, 0);
        send = 0;
        take = 0;
        sent = NONE;
        taken = NONE;
    }

    @Override
    boolean sendOne(Link link, int peer) {
        if (send == sends || sendPeer[send] != peer) {
            return false;
        }
        long offset = Math.max(0, sent);
        int length = (int) Math.min(link.maxData(), readyToSend() - offset);
        boolean waits = length <= 0 && sendBytes[send] > 0;
        if (waits || !link.send(2 * sequence, signature, sentTo[peer], sendAddress[send] + offset, length)) {
            return false;
        }
        sentTo[peer] += length;
        sent = offset + length;
        if (sent == sendBytes[send]) {
            send++;
            sent = NONE;
        }
        return true;
    }

    private long readyToSend() {
        if (take >= sendAfter[send]) {
            return sendBytes[send];
        }
        return sendFollows[send] && take == sendAfter[send] - 1 ? Math.max(0, taken) : 0;
    }

    @Override
    Action take(int peer, int stage, long offset, long address, int length) {
        if (takePeer[take] != peer) {
            return Action.ABORT;
        }
        long start = Math.max(0, taken);
        if (stage != 0 || offset != takenFrom[peer] || start + length > takeBytes[take]) {
            return damaged(peer, offset, length);
        }
        store(address, start, length);
        takenFrom[peer] += length;
        taken = start + length;
        if (taken == takeBytes[take]) {
            take++;
            taken = NONE;
        }
        return Action.COMMIT;
    }

    private void store(long from, long start, int length) {
        long to = takeAddress[take] + start;
        long own = takeOwn[take];
        if (own == 0) {
            Copies.copy(from, to, length);
            return;
        }
        if (own + start != to) {
            Copies.copy(own + start, to, length);
        }
        sums.add(signature.type(), from, to, length);
    }

    @Override
    boolean hasSentAllTo(int peer) {
        return lastSend[peer] < send;
    }

    @Override
    boolean takesNothing(int peer) {
        return lastTake[peer] < 0;
    }

    @Override
    boolean hasAllFrom(int peer) {
        return lastTake[peer] < take;
    }

    @Override
    boolean waitsFor(int peer) {
        return (take < takes && takePeer[take] == peer) || (send < sends && sendPeer[send] == peer);
    }

    @Override
    void release() {
        group.release(this);
    }
}
