package org.phantom4j.comm.aeron;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.comm.CommBackend;
import org.phantom4j.comm.Communicator;
import org.phantom4j.comm.world.RankProcesses;

/**
 * A rank of the tests with real processes: {@code SECONDS TIMEOUT_MS [MAX_ELEMENTS [END]]}. Runs random collectives and
 * checks each result; prints "joined" once all ranks are there, and "done N HASH" last, the hash over all results. With
 * SECONDS 0 it runs 200; rank 0 ends it sooner once there is a file END.
 */
final class RankMain {

    private RankMain() {}

    /** Starts it. It is short: a better compiler would take longer than it saves. */
    static List<String> command(String... arguments) {
        List<String> command = RankProcesses.javaCommand(RankMain.class.getName(), List.of(arguments));
        command.add(1, "-XX:TieredStopAtLevel=1");
        return command;
    }

    public static void main(String[] args) {
        try {
            long forNs = Long.parseLong(args[0]) * 1_000_000_000L;
            Duration timeout = Duration.ofMillis(Long.parseLong(args[1]));
            int maxElements = args.length > 2 ? Integer.parseInt(args[2]) : 20_000;
            Path end = args.length > 3 ? Path.of(args[3]) : null;
            int ranks = Integer.parseInt(System.getenv("WORLD_SIZE"));
            CommBackend.named("aeron").run(ranks, timeout, "test", comm -> work(comm, forNs, maxElements, end));
        } catch (Exception e) {
            System.err.println(e.getMessage());
            System.exit(1);
        }
    }

    private static Void work(Communicator comm, long forNs, int maxElements, Path end) {
        // loads ND4J, which takes seconds on a busy machine: whoever waits for the line below waits for that, on all
        // ranks
        INDArray goOn = Nd4j.create(DataType.INT64, 1);
        comm.barrier();
        System.out.println("joined");
        long beganNs = System.nanoTime();
        long hash = 0;
        int count = 0;
        do {
            hash = 31 * hash
                    + Arrays.hashCode(
                            collective(comm, new Random(count), maxElements).toDoubleVector());
            count++;
            boolean more = forNs == 0 ? count < 200 : System.nanoTime() - beganNs < forNs;
            goOn.putScalar(0, more && (end == null || Files.notExists(end)) ? 1 : 0);
            comm.broadcast(goOn, 0);
        } while (goOn.getLong(0) == 1);
        System.out.println("done " + count + " " + hash);
        return null;
    }

    /** A random collective whose result is the same on every rank, and checked here where that is simple. */
    private static INDArray collective(Communicator comm, Random random, int maxElements) {
        int length = 1 + random.nextInt(maxElements);
        INDArray array = Nd4j.linspace(1, length, length, DataType.DOUBLE).muli(comm.rank() + 1);
        switch (random.nextInt(3)) {
            case 0 -> {
                comm.allReduce(array);
                int sum = comm.size() * (comm.size() + 1) / 2;
                check(array, Nd4j.linspace(1, length, length, DataType.DOUBLE).muli(sum), "all-reduce");
                return array;
            }
            case 1 -> {
                INDArray whole = Nd4j.create(DataType.DOUBLE, (long) length * comm.size());
                comm.allGather(array, whole);
                return whole;
            }
            default -> {
                int root = random.nextInt(comm.size());
                comm.broadcast(array, root);
                check(array, Nd4j.linspace(1, length, length, DataType.DOUBLE).muli(root + 1), "broadcast");
                return array;
            }
        }
    }

    private static void check(INDArray actual, INDArray expected, String what) {
        if (!actual.equals(expected)) {
            throw new IllegalStateException("wrong result of " + what + " of " + actual.length() + " elements");
        }
    }
}
