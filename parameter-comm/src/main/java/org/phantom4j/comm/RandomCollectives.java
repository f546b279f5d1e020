package org.phantom4j.comm;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Collectives of random kinds, types, sizes and groups, for checking one back end against another: the same seed is the
 * same sequence everywhere, and results are the same bit for bit or their hashes differ. Groups are the whole, its even and
 * odd ranks in reverse order, and its halves; up to three collectives are under way at a time. Immutable.
 *
 * @param steps collectives in the sequence
 * @param maxElements of a part or an array; small ones are as frequent as large ones
 */
public record RandomCollectives(long seed, int steps, int maxElements) {

    private static final Collective[] KINDS = {
        Collective.ALL_GATHER,
        Collective.REDUCE_SCATTER,
        Collective.ALL_REDUCE,
        Collective.BROADCAST,
        Collective.BARRIER
    };
    private static final DataType[] TYPES = {DataType.FLOAT, DataType.DOUBLE, DataType.INT64};
    private static final int GROUPS = 3;
    private static final int MOST_UNDER_WAY = 3;
    private static final int LARGEST_EXPONENT = 20;

    /** One collective of the sequence; the same on all ranks. */
    private record Step(int number, Collective kind, DataType type, int group, int elements, boolean even, int draw) {
        @Override
        public String toString() {
            return "step " + number + ": " + kind + " of " + elements + " " + type + (even ? "" : " in uneven blocks")
                    + " in group " + group;
        }
    }

    private record UnderWay(int step, Pending pending, INDArray result, INDArray values) {}

    public RandomCollectives {
        if (steps < 1 || maxElements < 1) {
            throw new IllegalArgumentException(
                    "steps and maxElements must be at least 1, not " + steps + " and " + maxElements);
        }
    }

    /** What a step is, for messages. */
    public String describe(int step) {
        return "seed " + seed + ", " + step(step);
    }

    private Step step(int number) {
        Random random = new Random(seed * 1_000_003 + number);
        int elements = (int) Math.exp(random.nextDouble() * Math.log(maxElements + 1.0));
        return new Step(
                number,
                KINDS[random.nextInt(KINDS.length)],
                TYPES[random.nextInt(TYPES.length)],
                random.nextInt(GROUPS),
                elements,
                random.nextBoolean(),
                random.nextInt(1 << 16));
    }

    /**
     * Runs the sequence; all ranks call it.
     *
     * @return a hash of this rank's result of each step
     */
    public long[] run(Communicator world) {
        long[] hashes = new long[steps];
        int rank = world.rank();
        try (Communicator parity = world.split(rank % 2, -rank);
                Communicator half = world.split(2 * rank / world.size(), rank)) {
            Communicator[] groups = {world, parity, half};
            Deque<UnderWay> underWay = new ArrayDeque<>();
            for (int i = 0; i < steps; i++) {
                Step step = step(i);
                underWay.add(start(step, groups[step.group()], values(step, rank, groups[step.group()].size())));
                while (underWay.size() > step.draw() % MOST_UNDER_WAY) {
                    finish(underWay.remove(), hashes);
                }
            }
            while (!underWay.isEmpty()) {
                finish(underWay.remove(), hashes);
            }
            // nobody closes what another still uses
            world.barrier();
        }
        return hashes;
    }

    /** This rank's addends or elements, enough for every kind. */
    private INDArray values(Step step, int rank, int size) {
        int length = step.kind() == Collective.REDUCE_SCATTER ? step.elements() * size : step.elements();
        SplittableRandom random = new SplittableRandom((seed * 31 + step.number()) * 1_000_003 + rank);
        double[] values = new double[length];
        for (int i = 0; i < length; i++) {
            values[i] = (random.nextDouble() - 0.5) * (1 << (i % LARGEST_EXPONENT));
        }
        INDArray doubles = Nd4j.createFromArray(values);
        INDArray cast = doubles.castTo(step.type());
        if (cast != doubles) {
            doubles.close();
        }
        return cast;
    }

    private static UnderWay start(Step step, Communicator comm, INDArray values) {
        int number = step.number();
        long[] counts = counts(step, comm.size());
        long own = counts[comm.rank()];
        switch (step.kind()) {
            case ALL_GATHER -> {
                INDArray whole = Nd4j.create(step.type(), LongStream.of(counts).sum());
                INDArray part = own == 0 ? Nd4j.empty(step.type()) : DenseArrays.row(values, 0, own);
                return new UnderWay(number, comm.startAllGather(part, whole, counts), whole, values);
            }
            case REDUCE_SCATTER -> {
                INDArray whole =
                        DenseArrays.row(values, 0, LongStream.of(counts).sum());
                INDArray part = own == 0 ? Nd4j.empty(step.type()) : Nd4j.create(step.type(), own);
                return new UnderWay(number, comm.startReduceScatter(whole, part, counts), part, values);
            }
            case ALL_REDUCE -> {
                return new UnderWay(number, comm.startAllReduce(values), values, values);
            }
            case BROADCAST -> {
                return new UnderWay(number, comm.startBroadcast(values, step.draw() % comm.size()), values, values);
            }
            default -> {
                comm.barrier();
                return new UnderWay(number, () -> {}, Nd4j.empty(step.type()), values);
            }
        }
    }

    /** Elements of each rank's block: the same, or at most as many, some of them none. */
    private static long[] counts(Step step, int size) {
        long[] counts = new long[size];
        Random random = new Random(step.draw());
        for (int i = 0; i < size; i++) {
            counts[i] = step.even() ? step.elements() : random.nextInt(step.elements() + 1);
        }
        // the whole is not empty
        counts[step.draw() % size] = step.elements();
        return counts;
    }

    private static void finish(UnderWay done, long[] hashes) {
        done.pending().await();
        INDArray result = done.result();
        hashes[done.step()] = result.isEmpty()
                ? 0
                : switch (result.dataType()) {
                    case FLOAT -> Arrays.hashCode(result.toFloatVector());
                    case DOUBLE -> Arrays.hashCode(result.toDoubleVector());
                    default -> Arrays.hashCode(result.toLongVector());
                };
        // the heap is small and rarely collected: what is native would pile up
        if (result != done.values() && !result.isEmpty()) {
            result.close();
        }
        done.values().close();
    }
}
