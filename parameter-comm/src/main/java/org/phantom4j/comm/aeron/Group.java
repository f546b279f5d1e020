package org.phantom4j.comm.aeron;

import java.util.ArrayList;
import java.util.List;
import org.phantom4j.comm.CommException;

/** A group of ranks, seen from one of them: its links, and the collectives under way. Belongs to its rank's thread. */
final class Group implements AutoCloseable {

    /** This rank's number in the group. */
    final int rank;

    final int size;
    private final AeronRank owner;
    private final int[] members;
    private final Link[] links;
    private final List<Exchange> active = new ArrayList<>();
    private final List<DirectExchange> free = new ArrayList<>();
    private final List<SteppedExchange> freeStepped = new ArrayList<>();
    private long sequence;

    /**
     * @param members the job's ranks in the group, in the group's order
     * @param links one for each member, null for this rank itself
     */
    Group(AeronRank owner, int[] members, Link[] links) {
        this.owner = owner;
        this.members = members;
        this.links = links;
        this.size = members.length;
        int own = 0;
        while (members[own] != owner.number()) {
            own++;
        }
        this.rank = own;
    }

    AeronRank rank() {
        return owner;
    }

    Link link(int peer) {
        return links[peer];
    }

    /** The job's rank behind a number in the group. */
    int member(int peer) {
        return members[peer];
    }

    String name(int peer) {
        return owner.health().name(members[peer]);
    }

    /** An exchange to plan and {@link #start}. */
    DirectExchange prepare() {
        check();
        return free.isEmpty() ? new DirectExchange(this) : free.remove(free.size() - 1);
    }

    /** An exchange in steps to plan and {@link #start}. */
    SteppedExchange prepareSteps() {
        check();
        return freeStepped.isEmpty() ? new SteppedExchange(this) : freeStepped.remove(freeStepped.size() - 1);
    }

    private void check() {
        try {
            owner.health().check();
        } catch (CommException e) {
            throw owner.during(e, "about to start collective number " + sequence);
        }
    }

    Exchange start(Exchange exchange) {
        exchange.start(sequence++);
        active.add(exchange);
        try {
            owner.progress();
        } catch (CommException e) {
            throw owner.during(e, "starting " + exchange);
        }
        return exchange;
    }

    void release(DirectExchange exchange) {
        free.add(exchange);
    }

    void release(SteppedExchange exchange) {
        freeStepped.add(exchange);
    }

    void await(Exchange exchange) {
        owner.await(exchange, this);
    }

    /** Moves every collective of this group on; returns the number of fragments sent and taken. */
    int progress() {
        int work = 0;
        for (int i = 0; i < active.size(); i++) {
            work += active.get(i).progress();
        }
        while (!active.isEmpty() && active.get(0).complete()) {
            active.remove(0);
        }
        return work;
    }

    /** Fragments dropped because they were not of this job. */
    long droppedFragments() {
        long dropped = 0;
        for (Link link : links) {
            dropped += link == null ? 0 : link.droppedFragments();
        }
        return dropped;
    }

    @Override
    public void close() {
        owner.forget(this);
        if (owner.failed()) {
            // the media driver may not answer; what is open goes with the connection to it
            return;
        }
        for (Link link : links) {
            if (link != null) {
                link.close();
            }
        }
    }
}
