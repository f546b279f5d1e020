package org.phantom4j.comm.aeron;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.UnaryOperator;
import org.phantom4j.comm.CommBackend;
import org.phantom4j.comm.CommException;
import org.phantom4j.comm.CommException.Reason;
import org.phantom4j.comm.Deadlines;
import org.phantom4j.comm.LocalRanks;
import org.phantom4j.comm.RankContext;
import org.phantom4j.comm.world.Job;
import org.phantom4j.comm.world.Member;
import org.phantom4j.comm.world.RankProcesses;
import org.phantom4j.comm.world.Secret;
import org.phantom4j.comm.world.World;

/**
 * "aeron": this process is one rank, as the environment says ({@link World}, {@link Secret}). The first rank of each
 * machine runs the media driver for all ranks there. Options come from the environment, too:
 *
 * <ul>
 *   <li>PHANTOM_AERON_DIR: directory of an external media driver on this machine
 *   <li>PHANTOM_AERON_IDLE: spin, yield or backoff
 *   <li>PHANTOM_AERON_DRIVER_IDLE: the same for the media driver; where there are enough processors it does as ranks do
 *   <li>PHANTOM_AERON_TERM: bytes of a term buffer, for windows of half of that
 *   <li>PHANTOM_AERON_MTU: bytes of a datagram between hosts
 *   <li>PHANTOM_AERON_DIRECT: bytes up to which an all-reduce or a broadcast takes one step
 *   <li>PHANTOM_AERON_ALGORITHM: auto, direct, ring or halving
 *   <li>PHANTOM_AERON_MEDIA: udp, to use it between ranks of one machine, too
 * </ul>
 */
public final class AeronBackend implements CommBackend {

    /** For ServiceLoader. */
    public AeronBackend() {}

    @Override
    public String name() {
        return "aeron";
    }

    @Override
    public boolean ranksAreProcesses() {
        return true;
    }

    @Override
    public <T> List<T> run(int ranks, Deadlines deadlines, String geometry, LocalRanks.Body<T> body) throws Exception {
        Map<String, String> environment = System.getenv();
        Optional<World> started = World.fromEnvironment(environment);
        if (started.isEmpty() && ranks == 1) {
            return LocalRanks.run(1, deadlines.collective(), body);
        }
        World world = started.orElseThrow(() -> new IllegalArgumentException("no launcher has set RANK and WORLD_SIZE:"
                + " the ranks of back end aeron are processes, started by a launcher"));
        if (ranks != world.size()) {
            throw new IllegalArgumentException(ranks + " ranks were asked for but WORLD_SIZE is " + world.size());
        }
        RankProcesses.endWithLauncher(environment);
        AeronOptions options = options(environment, ranks).withTimeout(deadlines.collective());
        List<T> results = new ArrayList<>();
        results.add(run(world, Secret.fromEnvironment(environment), geometry, deadlines.join(), options, body));
        return results;
    }

    private static AeronOptions options(Map<String, String> environment, int ranks) {
        AeronOptions options = AeronOptions.defaults().withDirectory(environment.get("PHANTOM_AERON_DIR"));
        if (environment.containsKey("PHANTOM_AERON_IDLE")) {
            options = options.withIdle(Idle.named(environment.get("PHANTOM_AERON_IDLE")));
        }
        if (environment.containsKey("PHANTOM_AERON_DRIVER_IDLE")) {
            options = options.withDriverIdle(Idle.named(environment.get("PHANTOM_AERON_DRIVER_IDLE")));
        } else if (EmbeddedDriver.hasProcessorsBeside(ranks)) {
            options = options.withDriverIdle(options.idle());
        }
        if (environment.containsKey("PHANTOM_AERON_ALGORITHM")) {
            options = options.withAlgorithm(Algorithm.named(environment.get("PHANTOM_AERON_ALGORITHM")));
        }
        options = options.withTreatAsRemote("udp".equals(environment.get("PHANTOM_AERON_MEDIA")));
        int term = number(environment, "PHANTOM_AERON_TERM", 0);
        if (term != 0) {
            options = options.withTermLengths(term, term);
        }
        return options.withUdpMtuLength(number(environment, "PHANTOM_AERON_MTU", options.udpMtuLength()))
                .withDirectAllReduceBytes(number(environment, "PHANTOM_AERON_DIRECT", options.directAllReduceBytes()));
    }

    private static int number(Map<String, String> environment, String name, int otherwise) {
        String value = environment.get(name);
        try {
            return value == null ? otherwise : Integer.parseInt(value);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(name + " must be a whole number of bytes, not '" + value + "'", e);
        }
    }

    /** Runs one rank. */
    static <T> T run(
            World world, Secret secret, String geometry, Duration join, AeronOptions options, LocalRanks.Body<T> body)
            throws Exception {
        Deadlines deadlines = new Deadlines(join, options.timeout());
        Job job = Job.join(world, secret, geometry + mustAgree(options), deadlines);
        try (job) {
            JobHealth health = new JobHealth(job);
            return tellOfFailure(job, health, () -> withTransport(job, health, options, body));
        }
    }

    /** What decides who sends what to whom. */
    private static String mustAgree(AeronOptions options) {
        return " --PHANTOM_AERON_DIRECT " + options.directAllReduceBytes() + " --PHANTOM_AERON_ALGORITHM "
                + options.algorithm();
    }

    private static <T> T withTransport(Job job, JobHealth health, AeronOptions options, LocalRanks.Body<T> body)
            throws Exception {
        Member self = job.members().get(job.world().rank());
        Member host = job.members().stream()
                .filter(member -> member.machine().equals(self.machine()))
                .findFirst()
                .orElseThrow();
        boolean hosts = options.directory() == null && host.rank() == self.rank();
        EmbeddedDriver driver =
                hosts ? new EmbeddedDriver(options, UnaryOperator.identity(), health::transportFailed) : null;
        try (driver) {
            return tellOfFailure(job, health, () -> {
                String own = driver == null ? "" : driver.directory().toString();
                String offered = new String(
                        job.exchange(own.getBytes(StandardCharsets.UTF_8)).get(host.rank()), StandardCharsets.UTF_8);
                String directory = options.directory() == null ? offered : options.directory();
                return onDriver(directory, job, health, options, body);
            });
        }
    }

    private static <T> T onDriver(
            String directory, Job job, JobHealth health, AeronOptions options, LocalRanks.Body<T> body)
            throws Exception {
        try (AeronTransport transport = new AeronTransport(options, directory, health::transportFailed)) {
            return tellOfFailure(job, health, () -> {
                List<AeronRank.Peer> peers = peers(job, transport, options);
                AeronRank rank = new AeronRank(job.world().rank(), peers, job.token(), transport, health);
                job.onActivity(rank::activity);
                AeronCommunicator communicator = new AeronCommunicator(rank.world());
                T result = RankContext.call(communicator, () -> body.run(communicator));
                // the streams, and the driver of a machine's first rank, stay until every rank has taken what is its
                job.close();
                return result;
            });
        }
    }

    /**
     * Does some work; if it fails, says so before the caller closes this rank's streams, or the driver: others would take that
     * for the cause.
     */
    private static <T> T tellOfFailure(Job job, JobHealth health, Callable<T> work) throws Exception {
        try {
            return work.call();
        } catch (Throwable e) {
            health.fail(
                    e instanceof CommException failure
                            ? failure
                            : new CommException(
                                    Reason.RANK_FAILED, health.name(job.world().rank()) + " failed: " + e, e));
            throw e;
        }
    }

    private static List<AeronRank.Peer> peers(Job job, AeronTransport transport, AeronOptions options) {
        boolean remote = options.treatAsRemote()
                || job.members().stream().map(Member::machine).distinct().count() > 1;
        String endpoint = remote
                ? transport.listen(
                        job.localAddress().getHostAddress(), job.world().size() - 1)
                : "";
        List<byte[]> endpoints = job.exchange(endpoint.getBytes(StandardCharsets.UTF_8));
        List<AeronRank.Peer> peers = new ArrayList<>();
        for (Member member : job.members()) {
            peers.add(new AeronRank.Peer(
                    member.machine(), new String(endpoints.get(member.rank()), StandardCharsets.UTF_8)));
        }
        return peers;
    }
}
