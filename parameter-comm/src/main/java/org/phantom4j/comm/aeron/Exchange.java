package org.phantom4j.comm.aeron;

import io.aeron.logbuffer.ControlledFragmentHandler.Action;
import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.List;
import org.agrona.DirectBuffer;
import org.phantom4j.comm.CommException;
import org.phantom4j.comm.CommException.Reason;
import org.phantom4j.comm.Pending;

/**
 * One collective on one rank: what goes to each peer and comes from it, and how far that is. Links are used in turn: a
 * collective sends and takes on a link when those before it are done there. Reused from call to call; belongs to its rank's
 * thread.
 */
abstract class Exchange implements Pending {

    /** Fragments sent to, and taken from, a peer before the next peer has its turn. */
    private static final int BATCH = 4;

    final Signature signature = new Signature();
    final Group group;
    final int rank;
    final int size;

    /** The group's number of this collective. */
    long sequence;

    // a copy within this rank that waits until everything is sent and taken
    private long lastFrom;
    private long lastTo;
    private long lastBytes;

    // the arrays behind the addresses, so that their memory is not freed under way
    private Object reads;
    private Object writes;

    private int openLinks;
    private boolean active;
    private boolean complete;
    private CommException problem;

    Exchange(Group group) {
        this.group = group;
        this.rank = group.rank;
        this.size = group.size;
    }

    /** Nothing is sent or taken yet. */
    abstract void begin();

    /** Sends one fragment of what is ready for a peer; false if nothing is, or the window is full. */
    abstract boolean sendOne(Link link, int peer);

    abstract boolean hasSentAllTo(int peer);

    /** Whether the plan holds nothing from a peer. */
    abstract boolean takesNothing(int peer);

    abstract boolean hasAllFrom(int peer);

    /** Takes a fragment's data, or leaves it for later with ABORT. */
    abstract Action take(int peer, int stage, long offset, long address, int length);

    /** Whether something is due from a peer, or stuck on the way there. */
    abstract boolean waitsFor(int peer);

    /** When everything is sent and taken, copy within this rank. */
    final void copyLast(long from, long to, long bytes) {
        lastFrom = from;
        lastTo = to;
        lastBytes = from == to ? 0 : bytes;
    }

    /** Makes this free for another collective. */
    abstract void release();

    /** Keeps the owners of the plan's memory reachable until the collective has been awaited. */
    Exchange keep(Object read, Object written) {
        reads = read;
        writes = written;
        return this;
    }

    /** Starts the plan as the group's collective of this number. */
    void start(long number) {
        sequence = number;
        begin();
        openLinks = 2 * (size - 1);
        for (int peer = 0; peer < size; peer++) {
            openLinks -= peer != rank && takesNothing(peer) ? 1 : 0;
        }
        active = true;
        complete = false;
        problem = null;
    }

    boolean complete() {
        return complete;
    }

    /** Sends and takes what is possible now; returns how many fragments that were. */
    int progress() {
        int work = 0;
        for (int i = 1; i < size; i++) {
            int to = (rank + i) % size;
            work += sendTo(group.link(to), to);
            int from = (rank - i + size) % size;
            work += takeFrom(group.link(from), from);
        }
        if (openLinks == 0 && !complete && isTurnOnSilentLinks()) {
            Copies.copy(lastFrom, lastTo, lastBytes);
            complete = true;
            for (int peer = 0; peer < size; peer++) {
                if (peer != rank && takesNothing(peer)) {
                    group.link(peer).receiving++;
                }
            }
        }
        return work;
    }

    /** Whether all earlier collectives have taken what is theirs from the peers that this one takes nothing from. */
    private boolean isTurnOnSilentLinks() {
        for (int peer = 0; peer < size; peer++) {
            if (peer != rank && takesNothing(peer) && group.link(peer).receiving != sequence) {
                return false;
            }
        }
        return true;
    }

    private int sendTo(Link link, int peer) {
        if (link.sending != sequence) {
            return 0;
        }
        int sent = 0;
        while (sent < BATCH && sendOne(link, peer)) {
            sent++;
        }
        if (hasSentAllTo(peer)) {
            link.sending++;
            openLinks--;
        }
        return sent;
    }

    private int takeFrom(Link link, int peer) {
        if (link.receiving != sequence) {
            return 0;
        }
        int taken = 0;
        // where nothing is to come, look for what should not: a peer that called something else
        if (!hasAllFrom(peer) || takesNothing(peer)) {
            taken = link.receive(this, BATCH);
            if (problem != null) {
                throw group.rank().health().fail(problem);
            }
        }
        if (hasAllFrom(peer) && !takesNothing(peer)) {
            link.receiving++;
            openLinks--;
        }
        return taken;
    }

    /** Takes one fragment; what is wrong with it is kept, as Aeron would swallow an exception. */
    Action onFragment(Link link, long step, long offset, DirectBuffer buffer, int start, int length) {
        int peer = link.peer;
        boolean later = step >> 1 > sequence;
        if (later && hasAllFrom(peer)) {
            return Action.ABORT;
        }
        if (step >> 1 != sequence || hasAllFrom(peer) || !signature.matches(buffer, start)) {
            problem = mismatch(peer, step >> 1, Signature.decode(buffer, start));
            return Action.ABORT;
        }
        int dataLength = length - Link.HEADER_LENGTH;
        long address = buffer.addressOffset() + start + Signature.LENGTH;
        return take(peer, (int) (step & 1), offset, address, dataLength);
    }

    final Action damaged(int peer, long offset, int length) {
        problem = new CommException(
                Reason.RANK_FAILED,
                "collective number " + sequence + ": rank " + group.name(peer) + " sent " + length + " bytes from byte "
                        + offset + " on, which is not what comes next: the stream was damaged");
        return Action.ABORT;
    }

    private CommException mismatch(int peer, long theirSequence, Signature theirs) {
        String called = theirs == null ? "something unknown" : theirs.toString();
        String which = theirSequence == sequence ? "" : " as its collective number " + theirSequence;
        return new CommException(
                Reason.MISMATCH,
                "collective number " + sequence + ": rank " + rank + " called " + signature + " but rank " + peer
                        + " called " + called + which + ": all ranks must call the same collectives in the same order");
    }

    /** The peers that this rank still waits for, by their numbers in the group. */
    List<Integer> missing() {
        List<Integer> peers = new ArrayList<>();
        for (int peer = 0; peer < size; peer++) {
            if (peer != rank && waitsFor(peer)) {
                peers.add(peer);
            }
        }
        return peers;
    }

    @Override
    public void await() {
        if (!active) {
            throw new IllegalStateException("this handle was awaited before: await each handle once");
        }
        try {
            group.await(this);
        } finally {
            active = false;
            Reference.reachabilityFence(reads);
            Reference.reachabilityFence(writes);
        }
        reads = null;
        writes = null;
        release();
    }

    @Override
    public String toString() {
        return signature + " (collective number " + sequence + ")";
    }
}
