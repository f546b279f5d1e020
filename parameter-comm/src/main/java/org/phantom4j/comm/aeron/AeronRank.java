package org.phantom4j.comm.aeron;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.agrona.CloseHelper;
import org.agrona.concurrent.IdleStrategy;
import org.phantom4j.comm.CommException;
import org.phantom4j.comm.CommException.Reason;
import org.phantom4j.comm.Deadlines;
import org.phantom4j.comm.world.Job;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A rank of a job, and what the groups that it is in share: the transport, the peers' addresses, the job's token and
 * health. While one group waits, the collectives of all move on. Belongs to the rank's thread.
 */
final class AeronRank {

    private static final Logger LOG = LoggerFactory.getLogger(AeronRank.class);

    /**
     * Where a rank of the job is.
     *
     * @param machine ranks with equal machines share a media driver
     * @param endpoint host:port for UDP from other machines; empty if there are none
     */
    record Peer(String machine, String endpoint) {}

    private final int number;
    private final List<Peer> peers;
    private final long token;
    private final AeronTransport transport;
    private final AeronOptions options;
    private final Health health;
    private final IdleStrategy idle;
    private final List<Group> groups = new ArrayList<>();
    private int nextGroupId;
    private volatile Exchange awaited;
    private volatile boolean connecting;

    AeronRank(int number, List<Peer> peers, long token, AeronTransport transport, Health health) {
        this.number = number;
        this.peers = List.copyOf(peers);
        this.token = token;
        this.transport = transport;
        this.options = transport.options();
        this.health = health;
        this.idle = options.idle().newStrategy();
    }

    int number() {
        return number;
    }

    AeronOptions options() {
        return options;
    }

    Health health() {
        return health;
    }

    boolean failed() {
        try {
            health.check();
            return false;
        } catch (CommException e) {
            return true;
        }
    }

    int nextGroupId() {
        return nextGroupId;
    }

    /** The group of all ranks of the job. */
    Group world() {
        int[] members = new int[peers.size()];
        for (int i = 0; i < members.length; i++) {
            members[i] = i;
        }
        return join(0, members, 1);
    }

    /**
     * Joins a group; returns when its streams are connected.
     *
     * @param groupId the same for all members, and no other group of theirs has it
     * @param firstFreeId where the ids of later groups start
     */
    Group join(int groupId, int[] members, int firstFreeId) {
        nextGroupId = firstFreeId;
        Link[] links = new Link[members.length];
        Group group = new Group(this, members, links);
        int neighbours = neighbours(members);
        try {
            for (int i = 0; i < members.length; i++) {
                if (members[i] != number) {
                    links[i] = new Link(i, token, transport.open(stream(groupId, members[i], neighbours)));
                }
            }
            awaitConnected(group);
        } catch (RuntimeException e) {
            CloseHelper.quietCloseAll(links);
            throw e;
        }
        groups.add(group);
        // a peer that is done early must not close its streams before everyone has seen them
        group.start(group.prepare().planBarrier()).await();
        return group;
    }

    private int neighbours(int... members) {
        return (int) IntStream.of(members).filter(this::onThisMachine).count();
    }

    private boolean onThisMachine(int member) {
        return peers.get(number).machine().equals(peers.get(member).machine());
    }

    private AeronTransport.Stream stream(int groupId, int other, int neighbours) {
        int pairs = peers.size() * peers.size();
        int base = Math.addExact(Math.multiplyExact(groupId, pairs), 1);
        boolean near = !options.treatAsRemote() && onThisMachine(other);
        int sessionId = (int) (token >>> 32) ^ (int) token * 31 + groupId;
        return new AeronTransport.Stream(
                near ? null : peers.get(other).endpoint(),
                neighbours,
                sessionId,
                base + number * peers.size() + other,
                base + other * peers.size() + number);
    }

    private void awaitConnected(Group group) {
        long beganNs = System.nanoTime();
        boolean said = false;
        List<Integer> missing = notConnected(group);
        while (!missing.isEmpty()) {
            connecting = true;
            health.check();
            said = said || sayFor(beganNs, "for the streams of a new group", missing);
            if (System.nanoTime() - beganNs > options.timeout().toNanos()) {
                throw health.timedOut("for the streams of a new group", blocked(missing), missing);
            }
            idle.idle(progress());
            missing = notConnected(group);
        }
        connecting = false;
        idle.reset();
    }

    /** Says for whom this rank waits, if it has waited for some time. */
    private boolean sayFor(long sinceNs, String what, List<Integer> suspects) {
        if (System.nanoTime() - sinceNs < Deadlines.SAY_AFTER_NS) {
            return false;
        }
        LOG.warn(
                "rank {} has waited {} s {} for {}",
                number,
                TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - sinceNs),
                what,
                suspects.stream().map(health::name).collect(Collectors.joining(", ")));
        return true;
    }

    /** Why streams do not connect although the rendezvous, which uses TCP, is up. */
    private String blocked(List<Integer> missing) {
        String endpoints = missing.stream()
                .map(peers::get)
                .filter(peer -> options.treatAsRemote()
                        || !peer.machine().equals(peers.get(number).machine()))
                .map(peer -> peer.endpoint() + " (rank " + peers.indexOf(peer) + ")")
                .collect(Collectors.joining(", "));
        return endpoints.isEmpty()
                ? Job.STUCK
                : "does a firewall drop UDP between the hosts? Datagrams from "
                        + peers.get(number).endpoint() + " (rank " + number + ") must reach " + endpoints
                        + ", and theirs must come back; TCP does";
    }

    private static List<Integer> notConnected(Group group) {
        List<Integer> missing = new ArrayList<>();
        for (int i = 0; i < group.size; i++) {
            if (group.link(i) != null && !group.link(i).connected()) {
                missing.add(group.member(i));
            }
        }
        return missing;
    }

    /** Streams to and from a group's other member, for use without a group; both call it. */
    AeronTransport.Pair openPair(int other) {
        return transport.open(stream(nextGroupId++, other, neighbours(number, other)));
    }

    void forget(Group group) {
        groups.remove(group);
    }

    int progress() {
        int work = 0;
        for (int i = 0; i < groups.size(); i++) {
            work += groups.get(i).progress();
        }
        return work;
    }

    /** What this rank is doing, for ranks that wait for it. Any thread may ask. */
    String activity() {
        Exchange exchange = awaited;
        if (connecting) {
            return "waiting for the streams of a new group";
        }
        return exchange == null ? "not in a collective" : "in " + exchange;
    }

    void await(Exchange exchange, Group group) {
        awaited = exchange;
        try {
            awaitCompletion(exchange, group);
        } catch (CommException e) {
            throw during(e, "in " + exchange);
        }
        awaited = null;
    }

    /** A failure, and what this rank was doing when it learnt of it. */
    CommException during(CommException failure, String activity) {
        String where = " [rank " + number + " was " + activity + "]";
        return new CommException(failure.reason(), failure.getMessage() + where, failure);
    }

    private void awaitCompletion(Exchange exchange, Group group) {
        idle.reset();
        long lastProgressNs = System.nanoTime();
        boolean said = false;
        while (!exchange.complete()) {
            int work = progress();
            if (work > 0) {
                lastProgressNs = System.nanoTime();
            } else if (!exchange.complete()) {
                health.check();
                if (transport.isClosed()) {
                    throw new CommException(Reason.CLOSED, "the connection to the media driver was closed");
                }
                if (System.nanoTime() - lastProgressNs > options.timeout().toNanos()) {
                    throw health.timedOut("in " + exchange, Job.STUCK, missing(exchange, group));
                }
                if (!said && System.nanoTime() - lastProgressNs > Deadlines.SAY_AFTER_NS) {
                    said = sayFor(lastProgressNs, "in " + exchange, missing(exchange, group));
                }
            }
            idle.idle(work);
        }
    }

    private static List<Integer> missing(Exchange exchange, Group group) {
        List<Integer> members = new ArrayList<>();
        exchange.missing().forEach(peer -> members.add(group.member(peer)));
        return members;
    }
}
