package org.phantom4j.comm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** What every back end must do, run by a subclass for each. Expected sums are added in pairs. */
public abstract class CommunicatorContract {

    /** The back end under test. */
    protected abstract RankRunner ranks();

    /** Elements of an array that no back end holds in its buffers. */
    protected long manyElements() {
        return 700_001;
    }

    /** The most ranks that the back end can run here. */
    protected int mostRanks() {
        return 8;
    }

    /** What rank {@code rank} brings: values whose float sums depend on the order of addition. */
    protected static INDArray values(DataType type, long length, int rank) {
        Random random = new Random(rank * 1_000_003L + length);
        double[] values = new double[Math.toIntExact(length)];
        for (int i = 0; i < values.length; i++) {
            values[i] = type == DataType.INT64 ? random.nextInt(1 << 20) : random.nextGaussian() * (1 << (i % 20));
        }
        return Nd4j.createFromArray(values).castTo(type);
    }

    protected static INDArray sum(DataType type, long length, int size) {
        return sum(type, length, 0, size);
    }

    private static INDArray sum(DataType type, long length, int from, int to) {
        int middle = (from + to) / 2;
        return middle == from
                ? values(type, length, from).dup()
                : sum(type, length, from, middle).addi(sum(type, length, middle, to));
    }

    private static void assertBits(INDArray expected, INDArray actual, String what) {
        INDArray difference = DenseArrays.row(actual).neq(DenseArrays.row(expected));
        assertEquals(expected.length(), actual.length(), what);
        assertEquals(0, difference.castTo(DataType.INT64).sumNumber().longValue(), what);
    }

    /** Lengths that every collective is tried with, on every group size. */
    protected long[] lengths() {
        return new long[] {1, 3, 64, 1000, 20_000};
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8})
    void everyCollectiveOnEveryGroupSize(int size) throws Exception {
        ranks().run(size, comm -> {
            for (DataType type : new DataType[] {DataType.FLOAT, DataType.DOUBLE, DataType.INT64}) {
                for (long length : lengths()) {
                    allGather(comm, type, length);
                    reduceScatter(comm, type, length);
                    allReduce(comm, type, length);
                    broadcast(comm, type, length);
                    comm.barrier();
                }
            }
            return null;
        });
    }

    private static void allGather(Communicator comm, DataType type, long length) {
        INDArray whole = Nd4j.create(type, comm.size() * length);
        INDArray expected = Nd4j.create(type, comm.size() * length);
        for (int rank = 0; rank < comm.size(); rank++) {
            DenseArrays.row(expected, rank * length, length).assign(values(type, length, rank));
        }
        comm.allGather(values(type, length, comm.rank()), whole);
        assertBits(expected, whole, "all-gather of " + length + " " + type);

        INDArray inPlace = Nd4j.create(type, comm.size() * length);
        INDArray own = DenseArrays.row(inPlace, comm.rank() * length, length);
        own.assign(values(type, length, comm.rank()));
        comm.allGather(own, inPlace);
        assertBits(expected, inPlace, "all-gather in place of " + length + " " + type);
    }

    private static void reduceScatter(Communicator comm, DataType type, long length) {
        long total = comm.size() * length;
        INDArray expected = DenseArrays.row(sum(type, total, comm.size()), comm.rank() * length, length);
        INDArray part = Nd4j.create(type, length);
        comm.reduceScatter(values(type, total, comm.rank()), part);
        assertBits(expected, part, "reduce-scatter of " + total + " " + type);

        INDArray whole = values(type, total, comm.rank());
        INDArray block = DenseArrays.row(whole, comm.rank() * length, length);
        comm.reduceScatter(whole, block);
        assertBits(expected, block, "reduce-scatter in place of " + total + " " + type);
    }

    private static void allReduce(Communicator comm, DataType type, long length) {
        INDArray array = values(type, length, comm.rank());
        comm.allReduce(array);
        assertBits(sum(type, length, comm.size()), array, "all-reduce of " + length + " " + type);
    }

    private static void broadcast(Communicator comm, DataType type, long length) {
        int root = (int) (length % comm.size());
        INDArray array = values(type, length, comm.rank());
        comm.broadcast(array, root);
        assertBits(values(type, length, root), array, "broadcast of " + length + " " + type);
    }

    @ParameterizedTest
    @EnumSource(names = {"FLOAT", "DOUBLE", "LONG"})
    void blocksOfDifferentLengths(DataType type) throws Exception {
        for (long[] counts : new long[][] {{5, 0, 7}, {0, 0, 1}, {1, 40_000, 3}, {0, 0, 0, 9}, {30_000, 1}}) {
            if (counts.length > mostRanks()) {
                continue;
            }
            ranks().run(counts.length, comm -> {
                long total = LongStream.of(counts).sum();
                long start = DenseArrays.offsets(counts)[comm.rank()];
                INDArray all = values(type, total, 99);
                INDArray whole = Nd4j.create(type, total);
                long own = counts[comm.rank()];
                if (own > 0) {
                    DenseArrays.row(whole, start, own).assign(DenseArrays.row(all, start, own));
                }
                comm.allGather(block(whole, start, own), whole, counts);
                assertBits(all, whole, "all-gather of " + Arrays.toString(counts));

                INDArray addends = values(type, total, comm.rank());
                comm.reduceScatter(addends, block(addends, start, own), counts);
                if (own > 0) {
                    assertBits(
                            DenseArrays.row(sum(type, total, comm.size()), start, own),
                            DenseArrays.row(addends, start, own),
                            "reduce-scatter of " + Arrays.toString(counts));
                }
                return null;
            });
        }
    }

    private static INDArray block(INDArray whole, long start, long length) {
        return length == 0 ? Nd4j.empty(whole.dataType()) : DenseArrays.row(whole, start, length);
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 4})
    void arraysLargerThanAllBuffers(int size) throws Exception {
        long length = manyElements();
        ranks().run(size, comm -> {
            allReduce(comm, DataType.FLOAT, length);
            allGather(comm, DataType.FLOAT, length);
            reduceScatter(comm, DataType.DOUBLE, length / size);
            broadcast(comm, DataType.DOUBLE, length);
            return null;
        });
    }

    @Test
    void handlesAreAwaitedLater() throws Exception {
        ranks().run(3, comm -> {
            List<Pending> handles = new ArrayList<>();
            List<INDArray> arrays = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                INDArray array = values(DataType.FLOAT, 1 + i * 5000L, comm.rank());
                arrays.add(array);
                handles.add(comm.startAllReduce(array));
            }
            for (int i = 0; i < 10; i++) {
                handles.get(i).await();
                assertBits(sum(DataType.FLOAT, 1 + i * 5000L, 3), arrays.get(i), "all-reduce number " + i);
            }
            return null;
        });
    }

    @Test
    void matricesAreRowsOfElementsInMemoryOrder() throws Exception {
        ranks().run(2, comm -> {
            INDArray whole = Nd4j.create(DataType.FLOAT, new long[] {3, 4}, 'f');
            INDArray own = whole.getColumns(2 * comm.rank(), 2 * comm.rank() + 1);
            INDArray view = DenseArrays.row(whole, 6L * comm.rank(), 6);
            view.assign(comm.rank() + 1);
            comm.allGather(view, whole);
            assertEquals(3 * 2 * 1 + 3 * 2 * 2, whole.sumNumber().intValue());
            assertEquals(2f, whole.getFloat(0, 2));
            assertEquals(2, own.columns());
            return null;
        });
    }

    @Test
    void splitMakesGroupsOrderedByKey() throws Exception {
        ranks().run(6, comm -> {
            try (Communicator half = comm.split(comm.rank() % 2, -comm.rank())) {
                assertEquals(3, half.size());
                assertEquals(2 - comm.rank() / 2, half.rank());
                INDArray array = Nd4j.scalar((float) comm.rank()).reshape(1);
                half.allReduce(array);
                assertEquals(comm.rank() % 2 == 0 ? 0 + 2 + 4 : 1 + 3 + 5, array.getInt(0));
                try (Communicator single = half.split(half.rank(), 0)) {
                    assertEquals(1, single.size());
                    single.allReduce(array);
                    single.barrier();
                }
            }
            comm.barrier();
            return null;
        });
    }

    @Test
    void groupsThatSharesRanksMoveOnTogether() throws Exception {
        long length = manyElements();
        ranks().run(4, comm -> {
            try (Communicator row = comm.split(comm.rank() / 2, 0);
                    Communicator column = comm.split(comm.rank() % 2, 0)) {
                INDArray first = Nd4j.valueArrayOf(new long[] {length}, 1f, DataType.FLOAT);
                INDArray second = Nd4j.valueArrayOf(new long[] {length}, 2f, DataType.FLOAT);
                Pending pending = row.startAllReduce(first);
                column.allReduce(second);
                pending.await();
                assertEquals(2f, first.getFloat(length - 1));
                assertEquals(4f, second.getFloat(length - 1));
            }
            return null;
        });
    }

    @Test
    void disagreementNamesBothSides() {
        CommException e = assertThrows(CommException.class, () -> ranks().run(2, comm -> {
            INDArray array = Nd4j.create(DataType.FLOAT, comm.rank() == 0 ? 100 : 200);
            comm.allReduce(array);
            return null;
        }));
        assertEquals(CommException.Reason.MISMATCH, e.reason());
        assertTrue(e.getMessage().contains("100 FLOAT") && e.getMessage().contains("200 FLOAT"), e.getMessage());
        assertTrue(e.getMessage().contains("rank 0") && e.getMessage().contains("rank 1"), e.getMessage());
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2})
    void everyKindOfDisagreementIsAnError(int odd) {
        List<LocalRanks.Body<Void>> calls = List.of(
                comm -> run(() -> comm.allReduce(Nd4j.create(DataType.FLOAT, 12))),
                comm -> run(() -> comm.allReduce(Nd4j.create(DataType.DOUBLE, 12))),
                comm -> run(() -> comm.broadcast(Nd4j.create(DataType.FLOAT, 12), 0)),
                comm -> run(() -> comm.broadcast(Nd4j.create(DataType.FLOAT, 12), 1)),
                comm -> run(() -> comm.reduceScatter(Nd4j.create(DataType.FLOAT, 12), Nd4j.create(DataType.FLOAT, 4))),
                comm -> run(() -> comm.allGather(
                        Nd4j.create(DataType.FLOAT, 2 + comm.rank()), Nd4j.create(DataType.FLOAT, 9), 2, 3, 4)),
                comm -> run(comm::barrier));
        for (int a = 0; a < calls.size(); a++) {
            int usual = a;
            int other = (a + 1) % calls.size();
            CommException e = assertThrows(
                    CommException.class, () -> ranks().run(3, comm -> calls.get(comm.rank() == odd ? other : usual)
                            .run(comm)));
            assertEquals(CommException.Reason.MISMATCH, e.reason(), e.getMessage());
        }
    }

    private static Void run(Runnable call) {
        call.run();
        return null;
    }

    @Test
    void aRankThatThrowsFailsTheOthers() {
        IllegalStateException e = assertThrows(IllegalStateException.class, () -> ranks().run(3, comm -> {
            if (comm.rank() == 1) {
                throw new IllegalStateException("out of cheese");
            }
            CommException seen = assertThrows(CommException.class, comm::barrier);
            assertTrue(seen.getMessage().contains("out of cheese"), seen.getMessage());
            return null;
        }));
        assertEquals("out of cheese", e.getMessage());
    }

    @Test
    void wrongArgumentsAreRefusedBeforeAnythingIsSent() throws Exception {
        ranks().run(2, comm -> {
            INDArray strided = Nd4j.create(DataType.FLOAT, 4, 4).getColumn(1);
            assertThrows(IllegalArgumentException.class, () -> comm.allReduce(strided));
            assertThrows(IllegalArgumentException.class, () -> comm.allReduce(Nd4j.create(DataType.INT32, 4)));
            assertThrows(IllegalArgumentException.class, () -> comm.broadcast(Nd4j.create(DataType.FLOAT, 4), 2));
            assertThrows(
                    IllegalArgumentException.class,
                    () -> comm.allGather(Nd4j.create(DataType.FLOAT, 4), Nd4j.create(DataType.FLOAT, 9)));
            comm.barrier();
            return null;
        });
    }

    @Test
    void bytesAreCountedAsTheFormulaSays() throws Exception {
        ranks().run(3, comm -> {
            comm.allGather(Nd4j.create(DataType.FLOAT, 5), Nd4j.create(DataType.FLOAT, 15));
            comm.reduceScatter(Nd4j.create(DataType.DOUBLE, 15), Nd4j.create(DataType.DOUBLE, 5));
            comm.broadcast(Nd4j.create(DataType.FLOAT, 7), 2);
            assertEquals(2 * 5 * 4, comm.stats().bytesSent(Collective.ALL_GATHER));
            assertEquals(2 * 5 * 8, comm.stats().bytesSent(Collective.REDUCE_SCATTER));
            assertEquals(comm.rank() == 2 ? 2 * 7 * 4 : 0, comm.stats().bytesSent(Collective.BROADCAST));
            assertEquals(1, comm.stats().calls(Collective.BROADCAST));
            return null;
        });
    }

    @Test
    void aClosedCommunicatorRefuses() throws Exception {
        ranks().run(2, comm -> {
            Communicator pair = comm.split(0, 0);
            pair.barrier();
            comm.barrier();
            pair.close();
            pair.close();
            CommException e = assertThrows(CommException.class, pair::barrier);
            assertEquals(CommException.Reason.CLOSED, e.reason());
            assertNull(e.getCause());
            return null;
        });
    }
}
