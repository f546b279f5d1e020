package org.phantom4j.comm.world;

import java.io.Closeable;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.phantom4j.comm.CommException;
import org.phantom4j.comm.CommException.Reason;
import org.phantom4j.comm.Deadlines;

/**
 * This process's membership of a job: who the members are, and whether the job is healthy. A job fails once, for good,
 * and every member learns the same cause.
 *
 * <p>Thread-safe, but for {@link #exchange}, which one thread calls.
 */
public final class Job implements AutoCloseable {

    /** How much longer than the coordinator a rank waits, so that the coordinator can say who is at fault. */
    private static final long GRACE_MS = 5_000;

    /** What may be wrong with a rank that answers but is not where others wait for it. */
    public static final String STUCK = "is it stuck, or on another path through the program?";

    private final World world;
    private final Deadlines deadlines;
    private final Rendezvous rendezvous;
    private final Coordinator coordinator;
    private final ControlChannel channel;
    private final AtomicReference<CommException> failure = new AtomicReference<>();
    private final AtomicBoolean closed = new AtomicBoolean();
    private final CountDownLatch welcome = new CountDownLatch(1);
    private final CountDownLatch farewell = new CountDownLatch(1);
    private final BlockingQueue<List<byte[]>> exchanges = new LinkedBlockingQueue<>();
    private volatile Supplier<String> activity = () -> "starting";
    private volatile List<Member> members = List.of();
    private volatile long token;
    private volatile String zeroReachedAt = "";

    /** The others are done, too: what fails from here on does not concern the job. */
    private volatile boolean dismissed;

    private ControlChannel beats;

    private Job(World world, Deadlines deadlines, Rendezvous rendezvous, Coordinator coordinator) {
        this.world = world;
        this.deadlines = deadlines;
        this.rendezvous = rendezvous;
        this.coordinator = coordinator;
        this.channel = rendezvous.connect(() -> {});
    }

    /**
     * Joins the job; returns when all its ranks are there. Rank 0 also runs the coordinator, at MASTER_ADDR.
     *
     * @param geometry what all ranks must agree on, such as the model's shape; refused by name if they do not
     * @throws CommException REFUSED if the coordinator does not want this process; TIMEOUT if ranks are missing
     */
    public static Job join(World world, Secret secret, String geometry, Deadlines deadlines) {
        String version = "phantom4j "
                + Objects.requireNonNullElse(Job.class.getPackage().getImplementationVersion(), "development build");
        Coordinator.Terms terms = new Coordinator.Terms(world.size(), version, geometry);
        Rendezvous rendezvous = new Rendezvous(world, secret, deadlines.join());
        Coordinator coordinator = null;
        try {
            coordinator = world.rank() == 0 ? rendezvous.listen(terms) : null;
            Job job = new Job(world, deadlines, rendezvous, coordinator);
            job.begin(terms);
            return job;
        } catch (RuntimeException e) {
            closeQuietly(coordinator);
            throw e;
        }
    }

    /** The same with one deadline for every wait. */
    public static Job join(World world, Secret secret, String geometry, Duration timeout) {
        return join(world, secret, geometry, Deadlines.of(timeout));
    }

    private void begin(Coordinator.Terms terms) {
        try {
            introduce(terms);
            follow(rendezvous.connect(this::check));
        } catch (CommException e) {
            closeQuietly(channel);
            throw e;
        }
    }

    private void introduce(Coordinator.Terms terms) {
        Member self = new Member(
                world.rank(), Machine.hostName(), ProcessHandle.current().pid(), Machine.id());
        DaemonThread.start("job-" + world.rank() + "-messages", this::read);
        try {
            channel.send(Messages.HELLO, out -> {
                self.write(out);
                out.writeInt(terms.size());
                out.writeUTF(terms.version());
                out.writeUTF(terms.geometry());
            });
        } catch (IOException e) {
            // the reader finds out why
            fail(disconnected(e));
        }
        awaitLatch(welcome, deadlines.join(), "the other ranks to join");
        check();
    }

    /**
     * Has the coordinator send beats on a connection of their own, and echoes them on the other one: while the network is
     * up, each side receives on a connection on which it has nothing unacknowledged, and its kernel counts from the last
     * beat before a cut.
     */
    private void follow(ControlChannel connection) {
        beats = connection;
        try {
            beats.send(Messages.BEAT, out -> {});
        } catch (IOException e) {
            throw fail(disconnected(e));
        }
        DaemonThread.start("job-" + world.rank() + "-beats", this::echo);
    }

    private void echo() {
        while (!closed.get()) {
            try {
                beats.receive();
            } catch (EOFException e) {
                // the process closed it or died: the other connection tells which
                return;
            } catch (IOException e) {
                failure.compareAndSet(null, disconnected(e));
                return;
            }
            try {
                channel.send(Messages.ECHO, out -> {});
            } catch (IOException e) {
                // its reader sees the end of that connection, too
                return;
            }
        }
    }

    private void read() {
        try {
            while (handle(channel.receive())) {
                Thread.onSpinWait();
            }
        } catch (IOException e) {
            failure.compareAndSet(null, disconnected(e));
        }
        welcome.countDown();
        farewell.countDown();
    }

    private CommException disconnected(IOException e) {
        String zero =
                members.isEmpty() ? "rank 0 at " + rendezvous : members.get(0).toString();
        return new CommException(
                Reason.RANK_FAILED,
                zero + " died or was cut off: its connection ended ("
                        + e.getClass().getSimpleName() + (e.getMessage() == null ? "" : ": " + e.getMessage()) + ")",
                e);
    }

    private boolean handle(ControlChannel.Message message) throws IOException {
        DataInputStream in = message.body();
        switch (message.type()) {
            case Messages.WELCOME -> {
                token = in.readLong();
                zeroReachedAt = in.readUTF();
                List<Member> all = new ArrayList<>();
                for (int i = 0; i < world.size(); i++) {
                    all.add(Member.read(in));
                }
                members = List.copyOf(all);
                welcome.countDown();
            }
            case Messages.EXCHANGE -> {
                List<byte[]> offers = new ArrayList<>();
                for (int i = 0; i < world.size(); i++) {
                    offers.add(in.readNBytes(in.readInt()));
                }
                exchanges.add(offers);
            }
            case Messages.PROBE -> channel.send(Messages.STATUS, out -> out.writeUTF(activity.get()));
            case Messages.FAILED -> {
                failure.compareAndSet(null, Messages.readFailure(in));
                return false;
            }
            case Messages.REFUSED -> {
                failure.compareAndSet(null, new CommException(Reason.REFUSED, in.readUTF()));
                return false;
            }
            case Messages.BYE -> {
                dismissed = true;
                return false;
            }
            default -> throw new IOException("message of unknown type " + message.type());
        }
        return true;
    }

    /** This process's place in the job. */
    public World world() {
        return world;
    }

    /** All ranks of the job, in rank order. */
    public List<Member> members() {
        return members;
    }

    /** A random number that only the job's members know. */
    public long token() {
        return token;
    }

    /** A name that the members have in common and other jobs do not, which does not tell the token. */
    public String publicName() {
        byte[] bytes = ByteBuffer.allocate(Long.BYTES).putLong(token).array();
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(bytes);
            return HexFormat.of().formatHex(digest, 0, Long.BYTES);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    /** An address of this host at which the job's other hosts reach it: that of its connection with another host's rank. */
    public InetAddress localAddress() {
        InetAddress own = channel.localAddress();
        if (!own.isLoopbackAddress() || zeroReachedAt.isEmpty()) {
            return own;
        }
        try {
            // this host is rank 0's, and numbers need no name server
            return InetAddress.getByName(zeroReachedAt);
        } catch (UnknownHostException e) {
            return own;
        }
    }

    /** This rank's number among those of its machine: what the launcher says, else in the order of the ranks. */
    public int localRank() {
        if (world.localRank() >= 0) {
            return world.localRank();
        }
        String machine = members.get(world.rank()).machine();
        return (int) members.stream()
                .limit(world.rank())
                .filter(member -> member.machine().equals(machine))
                .count();
    }

    /** Hands bytes of every rank to every rank; all ranks call it. For small things, at the start. */
    public List<byte[]> exchange(byte[] own) {
        check();
        try {
            channel.send(Messages.EXCHANGE, out -> out.write(own));
        } catch (IOException e) {
            throw fail(disconnected(e));
        }
        long beganNs = System.nanoTime();
        while (System.nanoTime() - beganNs < deadlines.collective().toNanos()) {
            try {
                List<byte[]> all = exchanges.poll(50, TimeUnit.MILLISECONDS);
                if (all != null) {
                    return all;
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new CommException(Reason.CLOSED, "interrupted while the job was set up", e);
            }
            check();
        }
        throw timedOut("in setting the job up", STUCK, List.of());
    }

    /** Says what the process is doing, when a rank that waits for it asks. Called from another thread. */
    public void onActivity(Supplier<String> description) {
        activity = description;
    }

    /**
     * Throws the job's failure, if it has failed. Cheap.
     *
     * @throws CommException as an exception of the calling thread's own
     */
    public void check() {
        CommException cause = failure.get();
        if (cause != null) {
            throw new CommException(cause.reason(), cause.getMessage(), cause);
        }
    }

    /** Fails the job on every rank; the first failure stays and is returned. */
    public CommException fail(CommException cause) {
        if (failure.compareAndSet(null, cause)) {
            if (coordinator != null) {
                // when this returns, it is on its way to all
                coordinator.fail(cause);
                return cause;
            }
            try {
                channel.send(Messages.FAILED, out -> Messages.writeFailure(out, cause));
            } catch (IOException e) {
                cause.addSuppressed(e);
            }
        }
        return failure.get();
    }

    /**
     * Reports that this rank waited to its deadline. The coordinator asks all ranks what they are doing, and fails the
     * job with what it learns; if it does not answer itself, rank 0 is what is unresponsive.
     *
     * @param what the wait was in, or for: "in the barrier"
     * @param likely what may be wrong if the suspects answer
     * @param suspects ranks that this one waited for
     * @return the job's failure
     */
    public CommException timedOut(String what, String likely, List<Integer> suspects) {
        String waiting = deadlines.collective().toMillis() + " ms " + what;
        try {
            channel.send(Messages.TIMED_OUT, out -> {
                out.writeUTF(waiting);
                out.writeUTF(likely);
                out.writeInt(suspects.size());
                for (int suspect : suspects) {
                    out.writeInt(suspect);
                }
            });
            long beganNs = System.nanoTime();
            while (failure.get() == null && System.nanoTime() - beganNs < TimeUnit.MILLISECONDS.toNanos(GRACE_MS)) {
                Thread.sleep(10);
            }
        } catch (IOException e) {
            return fail(disconnected(e));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CommException(Reason.CLOSED, "interrupted while it waited " + what, e);
        }
        return fail(new CommException(
                Reason.TIMEOUT,
                members.get(0) + " is unresponsive: is it stopped, or its machine overloaded? rank " + world.rank()
                        + " waited " + waiting));
    }

    private void awaitLatch(CountDownLatch latch, Duration timeout, String what) {
        try {
            if (!latch.await(timeout.toMillis() + GRACE_MS, TimeUnit.MILLISECONDS)) {
                throw fail(new CommException(
                        Reason.TIMEOUT, "rank " + world.rank() + " waited " + timeout.toMillis() + " ms for " + what));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CommException(Reason.CLOSED, "interrupted while waiting for " + what, e);
        }
    }

    /**
     * Leaves the job when every rank does: what this process hosts for others stays up until then. After a failure it
     * leaves at once. Idempotent.
     *
     * @throws CommException if the job fails while this rank waits
     */
    @Override
    public void close() {
        if (closed.getAndSet(true)) {
            return;
        }
        try {
            if (failure.get() == null) {
                channel.send(Messages.BYE, out -> {});
                activity = () -> "done, and waits for the others";
                awaitLatch(farewell, deadlines.collective(), "the other ranks to be done");
                if (!dismissed) {
                    check();
                }
            }
        } catch (IOException e) {
            throw fail(disconnected(e));
        } finally {
            CommException cause = failure.get();
            if (cause != null && coordinator != null && !dismissed) {
                // the others must hear of it before their connections end
                coordinator.fail(cause);
            }
            closeQuietly(channel);
            closeQuietly(beats);
            closeQuietly(coordinator);
        }
    }

    private static void closeQuietly(Closeable closeable) {
        try {
            if (closeable != null) {
                closeable.close();
            }
        } catch (IOException e) {
            // it is given up anyway
            Thread.onSpinWait();
        }
    }
}
