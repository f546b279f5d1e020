package org.phantom4j.cli.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.comm.CommStats;
import org.phantom4j.comm.Communicator;

/**
 * Ranks of one host in a ring of plain TCP connections: what collectives without a transport of their own would use. For
 * comparison only: nothing is checked, and a lost rank blocks the others.
 */
final class TcpRing implements AutoCloseable {

    private static final int BUFFER_BYTES = 1 << 20;

    private final int rank;
    private final int size;
    private final SocketChannel next;
    private final SocketChannel previous;
    private final ByteBuffer out = buffer();
    private final ByteBuffer in = buffer();

    private TcpRing(int rank, int size, SocketChannel next, SocketChannel previous) throws IOException {
        this.rank = rank;
        this.size = size;
        this.next = next;
        this.previous = previous;
        for (SocketChannel channel : new SocketChannel[] {next, previous}) {
            channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
            channel.configureBlocking(false);
        }
    }

    private static ByteBuffer buffer() {
        return ByteBuffer.allocateDirect(BUFFER_BYTES).order(ByteOrder.nativeOrder());
    }

    /** Connects each rank to the next; all ranks call it. */
    static TcpRing connect(Communicator comm) {
        InetAddress loopback = InetAddress.getLoopbackAddress();
        try (ServerSocketChannel server = ServerSocketChannel.open()) {
            server.bind(new InetSocketAddress(loopback, 0));
            INDArray ports = Nd4j.create(DataType.INT64, comm.size());
            long port = ((InetSocketAddress) server.getLocalAddress()).getPort();
            comm.allGather(Nd4j.createFromArray(port), ports);
            int nextPort = ports.getInt((comm.rank() + 1) % comm.size());
            SocketChannel next = SocketChannel.open(new InetSocketAddress(loopback, nextPort));
            return new TcpRing(comm.rank(), comm.size(), next, server.accept());
        } catch (IOException e) {
            throw new UncheckedIOException("cannot connect the ring of TCP sockets", e);
        }
    }

    /** Sums the ranks' arrays: a ring of partial sums, then a ring of sums. */
    void allReduce(float[] array) {
        for (int step = 0; step < 2 * (size - 1); step++) {
            int sent = Math.floorMod(rank - step, size);
            int taken = Math.floorMod(rank - step - 1, size);
            exchange(
                    array,
                    start(array, sent),
                    start(array, sent + 1),
                    array,
                    start(array, taken),
                    start(array, taken + 1),
                    step < size - 1);
        }
    }

    private int start(float[] array, int block) {
        return (int) CommStats.nearEvenStart(array.length, size, block);
    }

    /** Passes every rank's part around the ring; parts are kept only as long as it takes to pass them on. */
    void allGather(float[] part) {
        float[] whole = new float[0];
        for (int step = 0; step < size - 1; step++) {
            exchange(part, 0, part.length, whole.length == 0 ? part : whole, 0, part.length, false);
        }
    }

    /** Sends one range to the next rank while taking another from the previous. */
    private void exchange(float[] from, int fromStart, int fromEnd, float[] to, int toStart, int toEnd, boolean adds) {
        int sent = fromStart;
        int taken = toStart;
        out.clear().flip();
        in.clear();
        try {
            while (sent < fromEnd || out.hasRemaining() || taken < toEnd) {
                if (!out.hasRemaining() && sent < fromEnd) {
                    int count = Math.min(BUFFER_BYTES / Float.BYTES, fromEnd - sent);
                    out.clear();
                    out.asFloatBuffer().put(from, sent, count);
                    out.limit(count * Float.BYTES);
                    sent += count;
                }
                if (out.hasRemaining()) {
                    next.write(out);
                }
                if (taken < toEnd) {
                    in.limit(Math.min(BUFFER_BYTES, (toEnd - taken) * Float.BYTES));
                    if (previous.read(in) < 0) {
                        throw new IOException("the previous rank closed its connection");
                    }
                    taken += take(to, taken, adds);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("the ring of TCP sockets broke", e);
        }
    }

    /** Moves the whole floats that have come into the array; returns how many. */
    private int take(float[] to, int start, boolean adds) {
        in.flip();
        FloatBuffer floats = in.asFloatBuffer();
        int count = floats.remaining();
        if (adds) {
            for (int i = 0; i < count; i++) {
                to[start + i] += floats.get(i);
            }
        } else {
            floats.get(to, start, count);
        }
        in.position(count * Float.BYTES);
        in.compact();
        return count;
    }

    @Override
    public void close() {
        try (next;
                previous) {
            out.clear();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot close the ring of TCP sockets", e);
        }
    }
}
