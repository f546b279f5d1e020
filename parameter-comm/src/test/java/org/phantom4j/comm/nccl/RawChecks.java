package org.phantom4j.comm.nccl;

import com.sun.jna.Memory;
import java.util.Arrays;
import java.util.Locale;
import org.phantom4j.comm.cuda.CudaEvent;
import org.phantom4j.comm.cuda.CudaGraph;
import org.phantom4j.comm.cuda.CudaStream;
import org.phantom4j.comm.cuda.DeviceMemory;

/** What a rank checks on device pointers, without ND4J. */
final class RawChecks {

    private static final long COPY_NS = 10_000_000_000L;
    private static final int[] COUNTS = {1, 3, 64, 1000, 16_384, 1_000_003};

    private RawChecks() {}

    private static double value(int rank, long i) {
        return rank * 1000L + i % 997;
    }

    private static double sum(int ranks, long i) {
        double sum = 0;
        for (int rank = 0; rank < ranks; rank++) {
            sum += value(rank, i);
        }
        return sum;
    }

    private static void require(double expected, double actual, String what) {
        if (expected != actual) {
            throw new IllegalStateException(what + ": " + actual + " instead of " + expected);
        }
    }

    /** Every collective, of doubles, whose sums are exact. */
    static String collectives(NcclGroup group) {
        for (int count : COUNTS) {
            collectives(group, count);
        }
        group.barrier();
        return group.size() + " ranks, up to " + COUNTS[COUNTS.length - 1] + " values, NCCL " + NcclGroup.version();
    }

    private static void collectives(NcclGroup group, int count) {
        int size = group.size();
        int rank = group.rank();
        int total = size * count;
        long bytes = 8L * total;
        try (DeviceMemory send = DeviceMemory.allocate(bytes);
                DeviceMemory receive = DeviceMemory.allocate(bytes);
                CudaStream stream = CudaStream.create()) {
            double[] own = new double[total];
            Arrays.setAll(own, i -> value(rank, i));
            put(stream, send, own);
            group.allGather(send.address(), receive.address(), count, NcclType.DOUBLE, stream.handle());
            group.await(stream);
            double[] all = get(stream, receive, total);
            for (int i = 0; i < total; i++) {
                require(value(i / count, i % count), all[i], "all-gather of " + count);
            }
            group.reduceScatter(send.address(), receive.address(), count, NcclType.DOUBLE, stream.handle());
            group.await(stream);
            double[] part = get(stream, receive, count);
            for (int i = 0; i < count; i++) {
                require(sum(size, (long) rank * count + i), part[i], "reduce-scatter of " + count);
            }
            group.allReduce(send.address(), send.address(), total, NcclType.DOUBLE, stream.handle());
            group.await(stream);
            all = get(stream, send, total);
            for (int i = 0; i < total; i++) {
                require(sum(size, i), all[i], "all-reduce of " + total);
            }
            put(stream, send, own);
            group.broadcast(send.address(), receive.address(), total, NcclType.DOUBLE, size - 1, stream.handle());
            group.await(stream);
            all = get(stream, receive, total);
            for (int i = 0; i < total; i++) {
                require(value(size - 1, i), all[i], "broadcast of " + total);
            }
            neighbours(group, send, receive, count, stream);
        }
    }

    /** Each rank sends to the next one, all at once. */
    private static void neighbours(
            NcclGroup group, DeviceMemory send, DeviceMemory receive, int count, CudaStream stream) {
        int size = group.size();
        int before = (group.rank() + size - 1) % size;
        group.start();
        group.send(send.address(), count, NcclType.DOUBLE, (group.rank() + 1) % size, stream.handle());
        group.receive(receive.address(), count, NcclType.DOUBLE, before, stream.handle());
        group.end();
        group.await(stream);
        double[] got = get(stream, receive, count);
        for (int i = 0; i < count; i++) {
            require(value(before, i), got[i], "receive of " + count);
        }
    }

    private static void put(CudaStream stream, DeviceMemory memory, double[] values) {
        try (Memory host = new Memory(8L * values.length)) {
            host.write(0, values, 0, values.length);
            stream.copy(memory.address(), DeviceMemory.addressOf(host), 8L * values.length);
            stream.synchronize(COPY_NS);
        }
    }

    private static double[] get(CudaStream stream, DeviceMemory memory, int count) {
        try (Memory host = new Memory(8L * count)) {
            stream.copy(DeviceMemory.addressOf(host), memory.address(), 8L * count);
            stream.synchronize(COPY_NS);
            return host.getDoubleArray(0, count);
        }
    }

    /** Collectives in a graph, launched again and again, and the time of one by calls and in the graph. */
    static String graph(NcclGroup group) {
        int count = 16_384;
        int inGraph = 50;
        int size = group.size();
        try (DeviceMemory memory = DeviceMemory.allocate(4L * size * count);
                DeviceMemory sum = DeviceMemory.allocate(8L);
                CudaStream stream = CudaStream.create();
                CudaEvent from = CudaEvent.timed();
                CudaEvent to = CudaEvent.timed()) {
            long own = memory.address() + 4L * count * group.rank();
            put(stream, sum, new double[] {1});
            gathers(group, memory, own, count, inGraph, stream);
            group.await(stream);
            group.barrier();
            long beganNs = System.nanoTime();
            from.record(stream);
            gathers(group, memory, own, count, inGraph, stream);
            to.record(stream);
            double hostUs = (System.nanoTime() - beganNs) / 1e3 / inGraph;
            group.await(stream);
            double callUs = from.millisecondsTo(to) * 1e3 / inGraph;
            stream.beginCapture();
            gathers(group, memory, own, count, inGraph, stream);
            group.allReduce(sum.address(), sum.address(), 1, NcclType.DOUBLE, stream.handle());
            double graphUs;
            try (CudaGraph graph = stream.endCapture()) {
                for (int i = 0; i < 3; i++) {
                    graph.launch(stream);
                }
                group.await(stream);
                group.barrier();
                from.record(stream);
                graph.launch(stream);
                to.record(stream);
                group.await(stream);
                graphUs = from.millisecondsTo(to) * 1e3 / (inGraph + 1);
                require(Math.pow(size, 4), get(stream, sum, 1)[0], "sum of four launches");
                group.barrier();
            }
            return String.format(
                    Locale.ROOT,
                    "all-gather of %d KiB a rank: %.1f us by calls (%.1f us of the host), %.1f us in a graph",
                    4 * count / 1024,
                    callUs,
                    hostUs,
                    graphUs);
        }
    }

    private static void gathers(
            NcclGroup group, DeviceMemory memory, long own, int count, int times, CudaStream stream) {
        for (int i = 0; i < times; i++) {
            group.allGather(own, memory.address(), count, NcclType.FLOAT, stream.handle());
        }
    }

    /** Calls all-reduces until something fails; the last rank stops calling after a while, if asked to. */
    static String forEver(NcclGroup group, boolean lastStops) throws InterruptedException {
        try (DeviceMemory memory = DeviceMemory.allocate(8L << 20);
                CudaStream stream = CudaStream.create()) {
            for (int i = 0; true; i++) {
                if (lastStops && i == 100 && group.rank() == group.size() - 1) {
                    while (true) {
                        group.check();
                        Thread.sleep(5);
                    }
                }
                group.allReduce(memory.address(), memory.address(), 1 << 20, NcclType.DOUBLE, stream.handle());
                group.await(stream);
            }
        }
    }
}
