package org.phantom4j.cli.bench;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
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
 * @param duration how long to go on; longer where the machine is so slow that a quarter of the rounds would be without a
 *     look at memory
 * @param seed of the first round; the next one's is one more
 * @param maxElements of a part or an array
 * @param timeout deadline of every wait
 */
public record Soak(String backend, int ranks, Duration duration, long seed, int maxElements, Duration timeout) {

    private static final int STEPS_PER_ROUND = 60;
    private static final int REPORTS = 20;
    private static final int QUARTERS = 4;

    /** After the first of so many, free memory is given back: {@link ProcessMemory#giveBack}. */
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
        List<Long> totalsMib = new ArrayList<>();
        INDArray goesOn = Nd4j.create(DataType.INT64, 1);
        INDArray resident = Nd4j.create(DataType.INT64, comm.size());
        do {
            RandomCollectives round = new RandomCollectives(seed + rounds, STEPS_PER_ROUND, maxElements);
            check(round, comm);
            rounds++;
            long elapsedNs = System.nanoTime() - beganNs;
            if (rounds % ROUNDS_PER_COLLECTION == 1) {
                ProcessMemory.giveBack();
                comm.allGather(Nd4j.createFromArray(ProcessMemory.residentMib()), resident);
                totalsMib.add(LongStream.of(resident.toLongVector()).sum());
            }
            if (comm.rank() == 0 && elapsedNs >= nextReportNs) {
                report.accept(String.format(
                        "%4d s, %,7d rounds, %,9d collectives; %s",
                        elapsedNs / 1_000_000_000L, rounds, rounds * STEPS_PER_ROUND, memory(resident)));
                nextReportNs += duration.toNanos() / REPORTS;
            }
            goesOn.putScalar(0, elapsedNs < duration.toNanos() || totalsMib.size() < QUARTERS ? 1 : 0);
            comm.broadcast(goesOn, 0);
        } while (goesOn.getLong(0) == 1);
        if (comm.rank() == 0) {
            report.accept("most resident memory of all ranks in each quarter of the rounds: "
                    + joined(quarterPeaks(totalsMib)) + " MiB");
        }
        return rounds;
    }

    private static long[] quarterPeaks(List<Long> values) {
        int count = values.size();
        return IntStream.range(0, QUARTERS)
                .mapToLong(quarter ->
                        Collections.max(values.subList(quarter * count / QUARTERS, (quarter + 1) * count / QUARTERS)))
                .toArray();
    }

    private static String joined(long[] values) {
        return LongStream.of(values).mapToObj(Long::toString).collect(Collectors.joining(", "));
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

    /** What each rank's process holds of memory that is not shared, and more about rank 0's. */
    private static String memory(INDArray residentMib) throws IOException {
        Runtime java = Runtime.getRuntime();
        return String.format(
                "resident %s MiB; rank 0: heap %,d MiB, native arrays %,d MiB, shared %,d MiB, open files %,d",
                joined(residentMib.toLongVector()),
                (java.totalMemory() - java.freeMemory()) / BYTES_PER_MIB,
                Pointer.totalBytes() / BYTES_PER_MIB,
                ProcessMemory.sharedMib(),
                ProcessMemory.openFiles());
    }
}
