package org.phantom4j.comm.world;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Stands between a rank and the coordinator, and remembers what the rank said on each connection. */
final class Recorder implements AutoCloseable {
    private final ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
    private final List<ByteArrayOutputStream> said = new CopyOnWriteArrayList<>();
    private final int target;

    Recorder(int target) throws IOException {
        this.target = target;
    }

    int port() {
        return server.getLocalPort();
    }

    void relay() {
        while (!server.isClosed()) {
            try {
                Socket rank = server.accept();
                Socket coordinator = connectFor(rank);
                ByteArrayOutputStream words = new ByteArrayOutputStream();
                said.add(words);
                startPump(coordinator, rank, OutputStream.nullOutputStream());
                startPump(rank, coordinator, words);
            } catch (IOException e) {
                // closed, or else the rank says that nobody answers
                Thread.onSpinWait();
            }
        }
    }

    /** Lets the rank try again soon where the coordinator is not up yet. */
    private Socket connectFor(Socket rank) throws IOException {
        try {
            return new Socket(InetAddress.getLoopbackAddress(), target);
        } catch (IOException e) {
            rank.close();
            throw e;
        }
    }

    private static void startPump(Socket from, Socket to, OutputStream copy) {
        Thread pump = new Thread(() -> pump(from, to, copy));
        pump.setDaemon(true);
        pump.start();
    }

    private static void pump(Socket from, Socket to, OutputStream copy) {
        try (from;
                to) {
            InputStream in = from.getInputStream();
            byte[] buffer = new byte[4096];
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                synchronized (copy) {
                    copy.write(buffer, 0, n);
                }
                to.getOutputStream().write(buffer, 0, n);
            }
        } catch (IOException e) {
            Thread.onSpinWait();
        }
    }

    List<byte[]> toCoordinator() {
        List<byte[]> copies = new ArrayList<>();
        for (ByteArrayOutputStream words : said) {
            synchronized (words) {
                copies.add(words.toByteArray());
            }
        }
        return copies;
    }

    @Override
    public void close() throws IOException {
        server.close();
    }
}
