package org.phantom4j.comm.aeron;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.comm.Communicator;

/** Collectives allocate nothing once they are warm, however many fragments they send. */
@Timeout(900)
class AllocationTest {

    private static final int WARM_UP = 12_000;
    private static final int CALLS = 2_000;
    private static final int BATCHES = 20;

    /** What a call may leave on the heap: nothing, but for what the interpreter runs before the compiler has replaced it. */
    private static final double MOST_BYTES_A_CALL = 1;

    @Test
    void nothingIsAllocatedAfterWarmUp() throws Exception {
        AeronOptions options =
                AeronOptions.defaults().withTimeout(Duration.ofMinutes(2)).withIdle(Idle.YIELD);
        for (Map<String, Double> bytesACall : AeronRanks.run(2, options, AllocationTest::measure)) {
            bytesACall.forEach(
                    (name, bytes) -> assertTrue(bytes < MOST_BYTES_A_CALL, name + " allocates " + bytes + " bytes"));
        }
    }

    private static Map<String, Double> measure(Communicator comm) {
        Map<String, Double> bytesACall = new LinkedHashMap<>();
        for (long length : new long[] {16, 40_000}) {
            INDArray part = Nd4j.create(DataType.FLOAT, length);
            INDArray whole = Nd4j.create(DataType.FLOAT, 2 * length);
            long[] counts = {length, length};
            Map<String, Runnable> calls = new LinkedHashMap<>();
            calls.put("all-gather", () -> comm.allGather(part, whole));
            calls.put("all-gather with counts", () -> comm.allGather(part, whole, counts));
            calls.put("reduce-scatter", () -> comm.reduceScatter(whole, part));
            calls.put("all-reduce", () -> comm.allReduce(part));
            calls.put("broadcast", () -> comm.broadcast(part, 1));
            calls.put("barrier", comm::barrier);
            int warmUp = length == 16 ? WARM_UP : WARM_UP / 10;
            calls.forEach((name, call) -> bytesACall.put(name + " of " + length, allocated(comm, call, warmUp)));
        }
        return bytesACall;
    }

    /** By all ranks together in the best of some batches: the compiler comes late where processors are few. */
    private static double allocated(Communicator comm, Runnable call, int warmUp) {
        for (int i = 0; i < warmUp; i++) {
            call.run();
        }
        double least = Double.MAX_VALUE;
        for (int batch = 0; batch < BATCHES && least >= MOST_BYTES_A_CALL; batch++) {
            INDArray total = Nd4j.createFromArray(allocatedInBatch(call));
            comm.allReduce(total);
            least = Math.min(least, total.getDouble(0));
        }
        return least;
    }

    private static double allocatedInBatch(Runnable call) {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = threads.getThreadAllocatedBytes(Thread.currentThread().getId());
        for (int i = 0; i < CALLS; i++) {
            call.run();
        }
        return (threads.getThreadAllocatedBytes(Thread.currentThread().getId()) - before) / (double) CALLS;
    }
}
