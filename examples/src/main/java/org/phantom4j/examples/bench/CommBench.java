package org.phantom4j.examples.bench;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.HdrHistogram.Histogram;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.comm.Communicator;
import org.phantom4j.comm.aeron.RawAeron;

/** Times every collective over a range of sizes; every rank runs it, and each has its own view of the times. */
final class CommBench {

    private static final long BYTES_PER_SIZE = 1L << 30;
    private static final int MOST_REPEATS = 2_000;
    private static final int FEWEST_REPEATS = 8;

    private final Communicator comm;
    private final String transport;
    private final List<Timings> results = new ArrayList<>();
    private final Consumer<Timings> onResult;

    /** Times {@code comm}, which is called {@code transport} in the results. */
    CommBench(Communicator comm, String transport, Consumer<Timings> onResult) {
        this.comm = comm;
        this.transport = transport;
        this.onResult = onResult;
    }

    /** Powers of four from {@code smallest} to {@code largest} bytes. */
    static List<Long> sizes(long smallest, long largest) {
        List<Long> sizes = new ArrayList<>();
        for (long bytes = smallest; bytes <= largest; bytes *= 4) {
            sizes.add(bytes);
        }
        return sizes;
    }

    List<Timings> results() {
        return results;
    }

    void collectives(List<Long> sizes, Set<String> operations) {
        if (operations.contains("barrier")) {
            time("barrier", 0, 0, MOST_REPEATS, () -> {});
        }
        for (long bytes : sizes) {
            collectives(bytes, operations);
        }
    }

    private void collectives(long bytes, Set<String> operations) {
        int size = comm.size();
        long length = bytes / Float.BYTES;
        try (INDArray part = Nd4j.create(DataType.FLOAT, length);
                INDArray whole = Nd4j.create(DataType.FLOAT, length * size)) {
            Map<String, Runnable> calls = new LinkedHashMap<>();
            calls.put("all-gather", () -> comm.allGather(part, whole));
            calls.put("reduce-scatter", () -> comm.reduceScatter(whole, part));
            calls.put("all-reduce", () -> comm.allReduce(part));
            calls.put("broadcast", () -> comm.broadcast(part, 0));
            calls.keySet().retainAll(operations);
            calls.forEach((name, call) -> {
                long busBytes = busBytes(name, bytes, size);
                time(name, bytes, busBytes, repeats(Math.max(bytes, busBytes)), call);
            });
        }
    }

    /** Bytes that a bandwidth-optimal algorithm moves to and from each rank. */
    private static long busBytes(String operation, long bytes, int size) {
        return switch (operation) {
            case "all-gather", "reduce-scatter" -> bytes * (size - 1);
            case "all-reduce" -> bytes * 2 * (size - 1) / size;
            default -> bytes;
        };
    }

    private static int repeats(long bytes) {
        return (int) Math.max(FEWEST_REPEATS, Math.min(MOST_REPEATS, BYTES_PER_SIZE / bytes));
    }

    private void time(String operation, long bytes, long busBytes, int repeats, Runnable run) {
        Histogram ns = Timings.histogram();
        boolean isBarrier = bytes == 0;
        for (int i = -repeats / 4 - 2; i < repeats; i++) {
            if (!isBarrier) {
                comm.barrier();
            }
            long beganNs = System.nanoTime();
            if (isBarrier) {
                comm.barrier();
            } else {
                run.run();
            }
            if (i >= 0) {
                ns.recordValue(System.nanoTime() - beganNs);
            }
        }
        add(new Timings(transport, operation, comm.size(), bytes, busBytes, ns));
    }

    private void add(Timings timings) {
        results.add(timings);
        onResult.accept(timings);
    }

    /** Aeron without collectives between ranks 0 and 1: messages there and back, then a stream one way. */
    void rawAeron(List<Long> sizes) {
        Communicator pair = comm.split(comm.rank() < 2 ? 0 : 1, comm.rank());
        if (comm.rank() < 2) {
            for (long bytes : sizes) {
                try (RawAeron raw = RawAeron.between(pair, Math.toIntExact(bytes))) {
                    rawPingPong(raw, bytes);
                    pair.barrier();
                    rawStream(raw, bytes);
                    pair.barrier();
                }
            }
        }
        comm.barrier();
    }

    private void rawPingPong(RawAeron raw, long bytes) {
        Histogram ns = Timings.histogram();
        int repeats = repeats(bytes);
        for (int i = -repeats / 4 - 2; i < repeats; i++) {
            long beganNs = System.nanoTime();
            if (comm.rank() == 0) {
                raw.send();
                raw.receive();
            } else {
                raw.receive();
                raw.send();
            }
            if (i >= 0) {
                ns.recordValue(System.nanoTime() - beganNs);
            }
        }
        add(new Timings("raw-aeron", "ping-pong", 2, bytes, 2 * bytes, ns));
    }

    /** Rank 0 sends, rank 1 receives; the window makes them go at the same speed. */
    private void rawStream(RawAeron raw, long bytes) {
        Histogram ns = Timings.histogram();
        int repeats = repeats(bytes);
        for (int i = -2; i < repeats; i++) {
            long beganNs = System.nanoTime();
            if (comm.rank() == 0) {
                raw.send();
            } else {
                raw.receive();
            }
            if (i >= 0) {
                ns.recordValue(System.nanoTime() - beganNs);
            }
        }
        add(new Timings("raw-aeron", "stream", 2, bytes, bytes, ns));
    }

    /** The same collectives over plain TCP sockets: an exchange for the gather, a ring for the all-reduce. */
    void tcp(List<Long> sizes) {
        try (TcpRing ring = TcpRing.connect(comm)) {
            int size = comm.size();
            for (long bytes : sizes) {
                int length = Math.toIntExact(bytes / Float.BYTES);
                float[] array = new float[length];
                CommBench named = new CommBench(comm, "tcp", this::add);
                named.time(
                        "all-reduce",
                        bytes,
                        bytes * 2 * (size - 1) / size,
                        repeats(bytes),
                        () -> ring.allReduce(array));
                named.time("all-gather", bytes, bytes * (size - 1), repeats(bytes), () -> ring.allGather(array));
            }
        }
    }
}
