package org.phantom4j.comm.world;

import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketOption;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * A TCP connection between a rank and the coordinator, on which both have proved that they know the secret, each against
 * a nonce of the other. Every message carries an HMAC over its direction and number: what was recorded elsewhere or
 * before is refused. Any thread may send; one receives.
 *
 * <p>A kernel that hears nothing for a second probes the other one every second, and ends the connection when four probes
 * had no answer: five seconds after it last heard anything. A stopped process's kernel still answers: it is not taken for a
 * dead one. A kernel does not probe while it waits for something to be acknowledged, but sends that again, ever more
 * seldom; so only the end that receives can be relied on to notice.
 */
final class ControlChannel implements Closeable {

    /** Changes when ranks of two versions could not understand each other. */
    static final int PROTOCOL_VERSION = 3;

    /** Longest message; a stranger cannot make a rank allocate more. */
    static final int MAX_MESSAGE_LENGTH = 1 << 20;

    private static final byte[] MAGIC = {'P', 'H', 'A', 'N', 'T', 'O', 'M', '4'};
    private static final int HANDSHAKE_MS = 5_000;
    private static final int KEEP_IDLE_SECONDS = 1;
    private static final int KEEP_INTERVAL_SECONDS = 1;
    private static final int KEEP_PROBES = 4;

    /** The other side does not know the secret, or speaks another protocol. */
    static final class RefusedException extends IOException {
        private static final long serialVersionUID = 1L;

        RefusedException(String message) {
            super(message);
        }
    }

    private final Socket socket;
    private final DataInputStream in;
    private final DataOutputStream out;
    private final Secret session;
    private final byte sends;
    private final byte receives;
    private long sent;
    private long received;

    private ControlChannel(Socket socket, DataInputStream in, DataOutputStream out, Secret session, boolean server) {
        this.socket = socket;
        this.in = in;
        this.out = out;
        this.session = session;
        this.sends = (byte) (server ? 1 : 0);
        this.receives = (byte) (server ? 0 : 1);
    }

    /** The coordinator's side of the handshake. Closes the socket if it fails. */
    static ControlChannel accept(Socket socket, Secret secret) throws IOException {
        try {
            prepare(socket);
            DataInputStream in = new DataInputStream(new BufferedInputStream(socket.getInputStream()));
            DataOutputStream out = new DataOutputStream(socket.getOutputStream());
            byte[] ours = Secret.nonce();
            out.write(hello(ours));
            byte[] theirs = readHello(in);
            byte[] proof = in.readNBytes(Secret.MAC_LENGTH);
            if (!Secret.same(proof, secret.mac("rank", ours, theirs))) {
                out.writeBoolean(false);
                throw new RefusedException(
                        "a process at " + socket.getRemoteSocketAddress() + " does not know the secret");
            }
            out.writeBoolean(true);
            out.write(secret.mac("coordinator", theirs, ours));
            socket.setSoTimeout(0);
            return new ControlChannel(socket, in, out, secret.derive("session", ours, theirs), true);
        } catch (IOException e) {
            socket.close();
            throw e;
        }
    }

    /**
     * A rank's side of the handshake. Closes the socket if it fails.
     *
     * @param atMostMs a wait in it may take
     */
    static ControlChannel connect(Socket socket, Secret secret, int atMostMs) throws IOException {
        try {
            prepare(socket);
            socket.setSoTimeout(Math.min(HANDSHAKE_MS, atMostMs));
            DataInputStream in = new DataInputStream(new BufferedInputStream(socket.getInputStream()));
            DataOutputStream out = new DataOutputStream(socket.getOutputStream());
            byte[] theirs = readHello(in);
            byte[] ours = Secret.nonce();
            out.write(hello(ours));
            out.write(secret.mac("rank", theirs, ours));
            if (!in.readBoolean()) {
                throw new RefusedException(
                        "the secret is wrong: " + Secret.VARIABLE + " must be the same on every rank");
            }
            if (!Secret.same(in.readNBytes(Secret.MAC_LENGTH), secret.mac("coordinator", ours, theirs))) {
                throw new RefusedException("what answers at " + socket.getRemoteSocketAddress()
                        + " does not know the secret: is another job's rendezvous there?");
            }
            socket.setSoTimeout(0);
            return new ControlChannel(socket, in, out, secret.derive("session", theirs, ours), false);
        } catch (IOException e) {
            socket.close();
            throw e;
        }
    }

    private static void prepare(Socket socket) throws IOException {
        socket.setSoTimeout(HANDSHAKE_MS);
        socket.setTcpNoDelay(true);
        socket.setOption(StandardSocketOptions.SO_KEEPALIVE, true);
        setIfSupported(socket, "TCP_KEEPIDLE", KEEP_IDLE_SECONDS);
        setIfSupported(socket, "TCP_KEEPINTERVAL", KEEP_INTERVAL_SECONDS);
        setIfSupported(socket, "TCP_KEEPCOUNT", KEEP_PROBES);
    }

    /** By name, as the module that defines these options is not in every Java. */
    private static void setIfSupported(Socket socket, String name, Integer value) throws IOException {
        for (SocketOption<?> option : socket.supportedOptions()) {
            if (option.name().equals(name) && option.type() == Integer.class) {
                @SuppressWarnings("unchecked")
                SocketOption<Integer> typed = (SocketOption<Integer>) option;
                socket.setOption(typed, value);
            }
        }
    }

    private static byte[] hello(byte[] nonce) {
        return ByteBuffer.allocate(MAGIC.length + Integer.BYTES + nonce.length)
                .put(MAGIC)
                .putInt(PROTOCOL_VERSION)
                .put(nonce)
                .array();
    }

    private static byte[] readHello(DataInputStream in) throws IOException {
        byte[] magic = in.readNBytes(MAGIC.length);
        if (magic.length == 0) {
            throw new EOFException("the other side closed the connection without a word");
        }
        if (!Arrays.equals(magic, MAGIC)) {
            throw new RefusedException(
                    "what is connected does not speak phantom4j's protocol:" + " is another service at this port?");
        }
        int version = in.readInt();
        if (version != PROTOCOL_VERSION) {
            throw new RefusedException("the other side speaks version " + version
                    + " of the protocol, this one version " + PROTOCOL_VERSION + ": run the same phantom4j everywhere");
        }
        byte[] nonce = in.readNBytes(Secret.MAC_LENGTH);
        if (nonce.length < Secret.MAC_LENGTH) {
            throw new RefusedException("the other side closed the connection during the handshake");
        }
        return nonce;
    }

    /** Writes the body of a message. */
    @FunctionalInterface
    interface Body {
        void write(DataOutputStream out) throws IOException;
    }

    /** Sends one message. */
    synchronized void send(int type, Body body) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        DataOutputStream message = new DataOutputStream(bytes);
        message.writeByte(type);
        body.write(message);
        byte[] payload = bytes.toByteArray();
        byte[] mac = session.mac("message", counter(sends, sent++), payload);
        out.write(ByteBuffer.allocate(Integer.BYTES + payload.length + mac.length)
                .putInt(payload.length)
                .put(payload)
                .put(mac)
                .array());
    }

    /**
     * Waits for the next message.
     *
     * @return the message after its type
     * @throws IOException at the end of the connection, or if the message is not authentic
     */
    Message receive() throws IOException {
        int length = in.readInt();
        if (length < 1 || length > MAX_MESSAGE_LENGTH) {
            throw new RefusedException(
                    "a message of " + length + " bytes: at most " + MAX_MESSAGE_LENGTH + " are allowed");
        }
        byte[] payload = in.readNBytes(length);
        byte[] mac = in.readNBytes(Secret.MAC_LENGTH);
        if (!Secret.same(mac, session.mac("message", counter(receives, received++), payload))) {
            throw new RefusedException("a message was changed or replayed on its way");
        }
        DataInputStream body = new DataInputStream(new ByteArrayInputStream(payload));
        return new Message(body.readByte(), body);
    }

    /** A message's type, and its body to read. */
    record Message(int type, DataInputStream body) {}

    private static byte[] counter(byte direction, long number) {
        return ByteBuffer.allocate(1 + Long.BYTES)
                .put(direction)
                .putLong(number)
                .array();
    }

    /** This side's address: one at which the other side can reach this machine. */
    InetAddress localAddress() {
        return socket.getLocalAddress();
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
