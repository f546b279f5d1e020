package org.phantom4j.comm.world;

import java.io.Closeable;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.phantom4j.comm.CommException;
import org.phantom4j.comm.CommException.Reason;
import org.phantom4j.comm.Deadlines;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where the ranks of a job meet, in rank 0's process: admits each rank once, hands bytes around, spreads the job's first
 * failure, and declares a rank dead whose connection ends without a farewell. Threads: one accepts, one reads from each
 * connection; all state is guarded by this object.
 */
final class Coordinator implements Closeable {

    private static final Logger LOG = LoggerFactory.getLogger(Coordinator.class);

    /** Connections beside the ranks' that may be in the handshake at a time: what strangers can make this process hold. */
    private static final int MAX_STRANGERS = 64;

    /** Between the options of a geometry. */
    private static final String OPTIONS = " (?=--)";

    /** How long a rank that lives may take to say what it does. */
    private static final long PROBE_MS = 2_000;

    /** Between the beats; the shorter, the closer to five seconds after a cut the kernels give up. */
    private static final long BEAT_MS = 200;

    /** What all ranks must have in common. */
    record Terms(int size, String version, String geometry) {}

    private static final class Seat {
        private final Member member;
        private final ControlChannel channel;
        private byte[] offer;
        private String status;
        private boolean left;

        Seat(Member member, ControlChannel channel) {
            this.member = member;
            this.channel = channel;
        }
    }

    private final Terms terms;
    private final Secret secret;
    private final Duration timeout;
    private final ServerSocket server;
    private final Thread accepting;
    private final Semaphore strangers;
    private final long token = Secret.randomToken();
    private final Seat[] seats;
    private String lastRefusal = "";
    private boolean started;
    private boolean probing;
    private volatile boolean closed;
    private CommException failure;

    Coordinator(InetAddress address, int port, Terms terms, Secret secret, Duration timeout) throws IOException {
        this.terms = terms;
        this.secret = secret;
        this.timeout = timeout;
        this.seats = new Seat[terms.size()];
        this.strangers = new Semaphore(MAX_STRANGERS + terms.size());
        this.server = new ServerSocket();
        server.setReuseAddress(true);
        server.bind(new InetSocketAddress(address, port), MAX_STRANGERS + terms.size());
        this.accepting = DaemonThread.start("coordinator-accept", this::accept);
        DaemonThread.start("coordinator-deadline", this::failIfSomeoneIsMissing);
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                Socket socket = server.accept();
                // who comes after the end belongs to the next job, and tries again
                if (!closed && strangers.tryAcquire()) {
                    DaemonThread.start("coordinator-connection", () -> serve(socket));
                } else {
                    socket.close();
                }
            } catch (IOException e) {
                // the server socket was closed, or a connection ended before it began
                Thread.onSpinWait();
            }
        }
    }

    private void serve(Socket socket) {
        Seat seat = null;
        try (ControlChannel channel = admit(socket)) {
            ControlChannel.Message hello = channel.receive();
            if (hello.type() == Messages.BEAT) {
                beat(channel);
                return;
            }
            seat = hello.type() == Messages.HELLO ? seat(hello.body(), channel) : null;
            while (seat != null) {
                handle(seat, channel.receive());
            }
        } catch (IOException e) {
            if (seat == null) {
                refused(e.getMessage());
            } else {
                lost(seat, e);
            }
        }
    }

    private ControlChannel admit(Socket socket) throws IOException {
        try {
            return ControlChannel.accept(socket, secret);
        } finally {
            strangers.release();
        }
    }

    /** Lets a rank hear of this process on a connection of its own, whose other direction stays silent. */
    private void beat(ControlChannel channel) throws IOException {
        while (!server.isClosed()) {
            channel.send(Messages.BEAT, out -> {});
            try {
                Thread.sleep(BEAT_MS);
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private synchronized void refused(String why) {
        lastRefusal = "; refused: " + why;
    }

    /** Gives a rank its seat, or refuses it by name; null if refused. */
    private synchronized Seat seat(DataInputStream hello, ControlChannel channel) throws IOException {
        if (closed) {
            throw new IOException("the job is over");
        }
        Member member = Member.read(hello);
        Terms theirs = new Terms(hello.readInt(), hello.readUTF(), hello.readUTF());
        String refusal = refusal(member, theirs);
        if (refusal != null) {
            refused(refusal);
            channel.send(Messages.REFUSED, out -> out.writeUTF(refusal));
            return null;
        }
        Seat seat = new Seat(member, channel);
        seats[member.rank()] = seat;
        if (missing().isEmpty()) {
            started = true;
            sendToAll(Messages.WELCOME, this::writeWelcome);
        }
        return seat;
    }

    private String refusal(Member member, Terms theirs) {
        if (failure != null) {
            return member + " came after the job had failed: " + failure.getMessage();
        }
        if (started) {
            return member + " came too late: the job has started with all its " + terms.size() + " ranks";
        }
        if (theirs.size() != terms.size()) {
            return member + " has WORLD_SIZE " + theirs.size() + " but rank 0 has " + terms.size()
                    + ": it must be the same everywhere";
        }
        if (!theirs.version().equals(terms.version())) {
            return member + " runs " + theirs.version() + " but rank 0 runs " + terms.version()
                    + ": run the same everywhere";
        }
        if (!theirs.geometry().equals(terms.geometry())) {
            return member + " was started for '" + unlike(theirs.geometry(), terms.geometry()) + "' but rank 0 for '"
                    + unlike(terms.geometry(), theirs.geometry()) + "': use the same options everywhere";
        }
        Seat holder = seats[member.rank()];
        return holder == null
                ? null
                : member + " claims the rank of " + holder.member + ": give each process a rank of its own";
    }

    /** What of a geometry that consists of options is not in another one; all of it if it has no options. */
    private static String unlike(String geometry, String other) {
        List<String> others = List.of(other.split(OPTIONS));
        String own = Arrays.stream(geometry.split(OPTIONS))
                .filter(option -> !others.contains(option))
                .collect(Collectors.joining(" "));
        return own.isEmpty() ? geometry : own;
    }

    private void writeWelcome(DataOutputStream out) throws IOException {
        out.writeLong(token);
        InetAddress reached = reachedAt();
        out.writeUTF(reached == null ? "" : reached.getHostAddress());
        for (Seat seat : seats) {
            seat.member.write(out);
        }
    }

    /** An address of this host at which a rank of another one has reached it; null if none has. */
    synchronized InetAddress reachedAt() {
        return Arrays.stream(seats)
                .filter(seat -> seat != null && !seat.channel.localAddress().isLoopbackAddress())
                .map(seat -> seat.channel.localAddress())
                .findFirst()
                .orElse(null);
    }

    private String missing() {
        return IntStream.range(0, seats.length)
                .filter(rank -> seats[rank] == null)
                .mapToObj(Integer::toString)
                .collect(Collectors.joining(", "));
    }

    private void failIfSomeoneIsMissing() {
        long sayMs = Math.min(timeout.toMillis(), TimeUnit.NANOSECONDS.toMillis(Deadlines.SAY_AFTER_NS));
        try {
            Thread.sleep(sayMs);
            sayWhoIsMissing();
            Thread.sleep(timeout.toMillis() - sayMs);
        } catch (InterruptedException e) {
            return;
        }
        synchronized (this) {
            if (!started && !closed) {
                fail(new CommException(
                        Reason.TIMEOUT,
                        "rank " + missing() + " did not join within " + timeout.toMillis() + " ms; rank 0 listens at "
                                + where() + lastRefusal));
            }
        }
    }

    private synchronized void sayWhoIsMissing() {
        if (!started && !closed && failure == null) {
            LOG.warn("rank 0 waits for rank {} to join at {}{}", missing(), where(), lastRefusal);
        }
    }

    private String where() {
        InetAddress address = server.getInetAddress();
        String host = address.isAnyLocalAddress() ? "any address of this host" : address.getHostAddress();
        return host + ", port " + server.getLocalPort()
                + (address.isLoopbackAddress() ? ", which only processes of this host reach" : "");
    }

    private void handle(Seat seat, ControlChannel.Message message) throws IOException {
        DataInputStream in = message.body();
        switch (message.type()) {
            case Messages.EXCHANGE -> exchange(seat, in.readAllBytes());
            case Messages.FAILED -> fail(Messages.readFailure(in));
            case Messages.TIMED_OUT -> timedOut(seat, in);
            case Messages.STATUS -> status(seat, in.readUTF());
            case Messages.BYE -> leave(seat);
            case Messages.ECHO -> Thread.onSpinWait(); // that it came is all
            default -> throw new IOException("message of unknown type " + message.type());
        }
    }

    private synchronized void exchange(Seat seat, byte[] offer) {
        seat.offer = offer;
        for (Seat other : seats) {
            if (other.offer == null) {
                return;
            }
        }
        List<byte[]> offers = new ArrayList<>();
        for (Seat other : seats) {
            offers.add(other.offer);
            other.offer = null;
        }
        sendToAll(Messages.EXCHANGE, out -> {
            for (byte[] bytes : offers) {
                out.writeInt(bytes.length);
                out.write(bytes);
            }
        });
    }

    private synchronized void status(Seat seat, String status) {
        seat.status = status;
        notifyAll();
    }

    private synchronized void leave(Seat seat) {
        seat.left = true;
        notifyAll();
        for (Seat other : seats) {
            if (other == null || !other.left) {
                return;
            }
        }
        sendToAll(Messages.BYE, out -> {});
    }

    private synchronized void lost(Seat seat, IOException cause) {
        if (!seat.left && !closed) {
            fail(new CommException(
                    Reason.RANK_FAILED,
                    seat.member + " died or was cut off: its connection ended ("
                            + cause.getClass().getSimpleName()
                            + (cause.getMessage() == null ? "" : ": " + cause.getMessage()) + ")"));
        }
    }

    /** Fails the job, if it has not failed before, and tells all ranks. */
    synchronized void fail(CommException cause) {
        if (failure == null) {
            failure = cause;
            sendToAll(Messages.FAILED, out -> Messages.writeFailure(out, cause));
        }
    }

    private synchronized void sendToAll(int type, ControlChannel.Body body) {
        for (Seat seat : seats) {
            if (seat != null) {
                try {
                    seat.channel.send(type, body);
                } catch (IOException e) {
                    // its reader sees the end of the connection, too, and declares it dead
                    seat.status = null;
                }
            }
        }
    }

    /** A rank waited too long: finds out who does not answer, and fails the job with that. */
    private synchronized void timedOut(Seat seat, DataInputStream in) throws IOException {
        if (probing || failure != null) {
            return;
        }
        probing = true;
        String waiting = in.readUTF();
        String likely = in.readUTF();
        List<Integer> suspects = new ArrayList<>();
        for (int left = in.readInt(); left > 0; left--) {
            suspects.add(in.readInt());
        }
        for (Seat other : seats) {
            other.status = null;
        }
        sendToAll(Messages.PROBE, out -> {});
        DaemonThread.start("coordinator-probe", () -> judge(seat, waiting, likely, suspects));
    }

    private synchronized void judge(Seat accuser, String waiting, String likely, List<Integer> suspects) {
        long deadlineNs = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(PROBE_MS);
        try {
            while (!silent().isEmpty() && System.nanoTime() < deadlineNs) {
                TimeUnit.NANOSECONDS.timedWait(this, deadlineNs - System.nanoTime());
            }
        } catch (InterruptedException e) {
            return;
        }
        List<Member> silent = silent();
        String waited = accuser.member + " waited " + waiting;
        if (!silent.isEmpty()) {
            String who = silent.stream().map(Member::toString).collect(Collectors.joining(", "));
            fail(new CommException(
                    Reason.TIMEOUT, who + " is unresponsive: is it stopped, or its machine overloaded? " + waited));
        } else {
            String who = suspects.stream()
                    .map(rank -> seats[rank].member + ", which is " + seats[rank].status)
                    .collect(Collectors.joining("; "));
            fail(new CommException(Reason.TIMEOUT, waited + " for " + who + ": " + likely));
        }
    }

    /** Who has not answered the probe. */
    private List<Member> silent() {
        return Arrays.stream(seats)
                .filter(seat -> seat.status == null && !seat.left)
                .map(seat -> seat.member)
                .toList();
    }

    @Override
    public void close() throws IOException {
        synchronized (this) {
            closed = true;
            for (Seat seat : seats) {
                if (seat != null) {
                    seat.channel.close();
                }
            }
        }
        server.close();
        try {
            // until it wakes, the kernel keeps the port
            accepting.join(PROBE_MS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
