package org.phantom4j.cli.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.HdrHistogram.Histogram;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.comm.Communicator;
import org.phantom4j.comm.aeron.RawAeron;

/**
 * Times collectives over a range of sizes, and the transports beside them; every rank runs it, and each has its own view of
 * the times. What is timed of one size takes turns, a few calls at a time: a virtual machine may change its speed from one
 * second to the next, and what is compared should see the same machine.
 */
final class CommBench {

    private static final int ROUNDS = 8;
    private static final long BYTES_PER_SIZE = 1L << 30;
    private static final int MOST_REPEATS = 2_000;
    private static final int FEWEST_REPEATS = ROUNDS;

    /** The largest message of the baselines: their arrays are Java's. */
    private static final long MOST_RAW_BYTES = 64L << 20;

    /** One line of the results: {@code round} makes so many calls, and records their times if there is a histogram. */
    private record Case(Timings timings, int repeats, Round round) {}

    private interface Round {
        void run(int calls, Histogram ns);
    }

    private final Communicator comm;
    private final String transport;
    private final Set<String> operations;
    private final List<Timings> results = new ArrayList<>();
    private final Consumer<Timings> onResult;

    /**
     * Times {@code comm}, which is called {@code transport} in the results.
     *
     * @param operations what to time, of {@link BenchRun#OPERATIONS}
     */
    CommBench(Communicator comm, String transport, Set<String> operations, Consumer<Timings> onResult) {
        this.comm = comm;
        this.transport = transport;
        this.operations = operations;
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

    void run(List<Long> sizes) {
        if (operations.contains("barrier")) {
            Case barrier = of(transport, "barrier", 0, 0, (calls, ns) -> {
                for (int i = 0; i < calls; i++) {
                    long beganNs = System.nanoTime();
                    comm.barrier();
                    record(ns, System.nanoTime() - beganNs);
                }
            });
            time(List.of(barrier));
        }
        boolean hasBaselines = transport.equals("aeron") && comm.size() > 1;
        boolean hasRaw = hasBaselines && operations.contains("raw-aeron");
        boolean hasTcp = hasBaselines && operations.contains("tcp");
        try (Communicator pair = hasRaw ? comm.split(comm.rank() < 2 ? 0 : 1, comm.rank()) : null;
                TcpRing ring = hasTcp ? TcpRing.connect(comm) : null) {
            for (long bytes : sizes) {
                boolean isRaw = hasRaw && bytes <= MOST_RAW_BYTES;
                boolean isInPair = comm.rank() < 2;
                try (RawAeron raw = isRaw && isInPair ? RawAeron.between(pair, Math.toIntExact(bytes)) : null) {
                    List<Case> cases = new ArrayList<>();
                    if (isRaw) {
                        cases.addAll(rawAeron(raw, pair, bytes));
                    }
                    if (hasTcp && bytes <= MOST_RAW_BYTES) {
                        cases.addAll(tcp(ring, bytes));
                    }
                    collectives(cases, bytes);
                }
            }
        }
    }

    /** Times the collectives of one size, in turns with the cases that are there already. */
    private void collectives(List<Case> cases, long bytes) {
        int size = comm.size();
        long length = bytes / Float.BYTES;
        try (INDArray part = Nd4j.create(DataType.FLOAT, length);
                INDArray whole = Nd4j.create(DataType.FLOAT, length * size)) {
            Stream.of(
                            collective(transport, "all-gather", bytes, () -> comm.allGather(part, whole)),
                            collective(transport, "reduce-scatter", bytes, () -> comm.reduceScatter(whole, part)),
                            collective(transport, "all-reduce", bytes, () -> comm.allReduce(part)),
                            collective(transport, "broadcast", bytes, () -> comm.broadcast(part, 0)))
                    .filter(one -> operations.contains(one.timings.operation()))
                    .forEach(cases::add);
            time(cases);
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
        return bytes == 0
                ? MOST_REPEATS
                : (int) Math.max(FEWEST_REPEATS, Math.min(MOST_REPEATS, BYTES_PER_SIZE / bytes));
    }

    private Case of(String named, String operation, long bytes, long busBytes, Round round) {
        int ranks = named.equals("raw-aeron") ? 2 : comm.size();
        Timings timings = new Timings(named, operation, ranks, bytes, busBytes, Timings.histogram());
        return new Case(timings, repeats(Math.max(bytes, busBytes)), round);
    }

    private Case collective(String named, String operation, long bytes, Runnable call) {
        return of(named, operation, bytes, busBytes(operation, bytes, comm.size()), (calls, ns) -> {
            for (int i = 0; i < calls; i++) {
                comm.barrier();
                long beganNs = System.nanoTime();
                call.run();
                record(ns, System.nanoTime() - beganNs);
            }
        });
    }

    private static void record(Histogram ns, long value) {
        if (ns != null) {
            ns.recordValue(value);
        }
    }

    private void time(List<Case> cases) {
        for (Case one : cases) {
            comm.barrier();
            one.round.run(one.repeats / 4 + 2, null);
        }
        for (int round = 0; round < ROUNDS; round++) {
            for (Case one : cases) {
                comm.barrier();
                one.round.run(one.repeats / ROUNDS, one.timings.ns());
            }
        }
        for (Case one : cases) {
            results.add(one.timings);
            onResult.accept(one.timings);
        }
    }

    /** Aeron without collectives between ranks 0 and 1; {@code raw} is null on the others, which wait. */
    private List<Case> rawAeron(RawAeron raw, Communicator pair, long bytes) {
        Round waits = (calls, ns) -> {};
        return List.of(
                of("raw-aeron", "ping-pong", bytes, 2 * bytes, raw == null ? waits : pingPong(raw)),
                of("raw-aeron", "stream", bytes, bytes, raw == null ? waits : stream(raw, pair)));
    }

    private Round pingPong(RawAeron raw) {
        return (calls, ns) -> {
            for (int i = 0; i < calls; i++) {
                long beganNs = System.nanoTime();
                if (comm.rank() == 0) {
                    raw.send();
                    raw.receive();
                } else {
                    raw.receive();
                    raw.send();
                }
                record(ns, System.nanoTime() - beganNs);
            }
        };
    }

    /** Rank 0 sends, rank 1 receives. A message's time is a round's share: the window takes many at once, then none. */
    private Round stream(RawAeron raw, Communicator pair) {
        return (calls, ns) -> {
            pair.barrier();
            long beganNs = System.nanoTime();
            for (int i = 0; i < calls; i++) {
                if (comm.rank() == 0) {
                    raw.send();
                } else {
                    raw.receive();
                }
            }
            pair.barrier();
            record(ns, (System.nanoTime() - beganNs) / calls);
        };
    }

    /** The same collectives over plain TCP sockets: an exchange for the gather, a ring for the all-reduce. */
    private List<Case> tcp(TcpRing ring, long bytes) {
        float[] array = new float[Math.toIntExact(bytes / Float.BYTES)];
        return List.of(
                collective("tcp", "all-reduce", bytes, () -> ring.allReduce(array)),
                collective("tcp", "all-gather", bytes, () -> ring.allGather(array)));
    }
}
