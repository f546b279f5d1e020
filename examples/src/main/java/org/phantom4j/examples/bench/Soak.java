package org.phantom4j.examples.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import org.bytedeco.javacpp.Pointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.comm.CommBackend;
import org.phantom4j.comm.Communicator;
import org.phantom4j.comm.LocalRanks;
import org.phantom4j.comm.RandomCollectives;

/**
 * Random collectives, round after round, each checked bit by bit against ranks that are threads of rank 0's process. Every
 * round splits groups anew, and so opens and closes streams.
 *
 * @param backend the back end under test
 * @param duration how long to go on
 * @param seed of the first round; the next one's is one more
 * @param maxElements of a part or an array
 * @param timeout deadline of every wait
 */
public record Soak(String backend, int ranks, Duration duration, long seed, int maxElements, Duration timeout) {

    private static final int STEPS_PER_ROUND = 60;
    private static final int REPORTS = 20;

    /** Native arrays wait for the collector, which the small heap rarely calls: without this, memory says little. */
    private static final int ROUNDS_PER_COLLECTION = 5;

    private static final int BYTES_PER_MIB = 1 << 20;

    /**
     * Runs on the ranks of this process.
     *
     * @param report receives rank 0's lines: rounds and memory
     * @return the number of rounds
     * @throws IllegalStateException if a result differs; the message names the seed, the step and the rank
     */
    public long run(Consumer<String> report) throws Exception {
        return CommBackend.named(backend)
                .run(ranks, timeout, "bench soak " + this, comm -> work(comm, report))
                .get(0);
    }

    private long work(Communicator comm, Consumer<String> report) throws Exception {
        long beganNs = System.nanoTime();
        long nextReportNs = 0;
        long rounds = 0;
        INDArray goesOn = Nd4j.create(DataType.INT64, 1);
        do {
            RandomCollectives round = new RandomCollectives(seed + rounds, STEPS_PER_ROUND, maxElements);
            check(round, comm);
            rounds++;
            if (rounds % ROUNDS_PER_COLLECTION == 0) {
                System.gc();
            }
            long elapsedNs = System.nanoTime() - beganNs;
            if (comm.rank() == 0 && elapsedNs >= nextReportNs) {
                report.accept(String.format(
                        "%4d s, %,7d rounds, %,9d collectives; %s",
                        elapsedNs / 1_000_000_000L, rounds, rounds * STEPS_PER_ROUND, memory()));
                nextReportNs += duration.toNanos() / REPORTS;
            }
            goesOn.putScalar(0, elapsedNs < duration.toNanos() ? 1 : 0);
            comm.broadcast(goesOn, 0);
        } while (goesOn.getLong(0) == 1);
        return rounds;
    }

    /** Runs a round, and compares every rank's hashes with those of the local back end on rank 0. */
    private void check(RandomCollectives round, Communicator comm) throws Exception {
        long[] own = round.run(comm);
        INDArray all = Nd4j.create(DataType.INT64, (long) STEPS_PER_ROUND * comm.size());
        comm.allGather(Nd4j.createFromArray(own), all);
        if (comm.rank() != 0) {
            return;
        }
        List<long[]> expected = LocalRanks.run(comm.size(), timeout, round::run);
        for (int rank = 0; rank < comm.size(); rank++) {
            for (int step = 0; step < STEPS_PER_ROUND; step++) {
                if (all.getLong((long) rank * STEPS_PER_ROUND + step) != expected.get(rank)[step]) {
                    throw new IllegalStateException(
                            "rank " + rank + " has another result than back end local: " + round.describe(step));
                }
            }
        }
    }

    /** What rank 0's process holds, after a collection. */
    private static String memory() throws IOException {
        System.gc();
        Runtime java = Runtime.getRuntime();
        return String.format(
                "heap %,d MiB, native arrays %,d MiB, resident %,d MiB, shared %,d MiB, open files %,d",
                (java.totalMemory() - java.freeMemory()) / BYTES_PER_MIB,
                Pointer.totalBytes() / BYTES_PER_MIB,
                statusKib("RssAnon:") / 1024,
                statusKib("RssShmem:") / 1024,
                openFiles());
    }

    /** A line of Linux's process status; -1 elsewhere. */
    static long statusKib(String name) throws IOException {
        Path status = Path.of("/proc/self/status");
        if (!Files.isReadable(status)) {
            return -1;
        }
        return Files.readAllLines(status).stream()
                .filter(line -> line.startsWith(name))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                .findFirst()
                .orElse(-1);
    }

    private static long openFiles() throws IOException {
        Path files = Path.of("/proc/self/fd");
        if (!Files.isReadable(files)) {
            return -1;
        }
        try (var all = Files.list(files)) {
            return all.count();
        }
    }
}
