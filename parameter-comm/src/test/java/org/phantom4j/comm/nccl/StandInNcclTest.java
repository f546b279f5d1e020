package org.phantom4j.comm.nccl;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.comm.CommBackend;
import org.phantom4j.comm.CommException;
import org.phantom4j.comm.Communicator;
import org.phantom4j.comm.CommunicatorContract;
import org.phantom4j.comm.Doubling;
import org.phantom4j.comm.LocalRanks;
import org.phantom4j.comm.Pending;
import org.phantom4j.comm.RankRunner;
import org.phantom4j.comm.cuda.CudaDevice;
import org.phantom4j.comm.cuda.CudaStream;
import org.phantom4j.comm.cuda.DeviceMemory;

/** The contract, and the ends that NCCL would not come to by itself, over the stand-in. */
class StandInNcclTest extends CommunicatorContract {

    private static final Duration TIMEOUT = Duration.ofMinutes(2);
    private static final Duration SHORT = Duration.ofMillis(700);

    @BeforeAll
    static void useStandIn() {
        StandIn.use();
    }

    @Override
    protected RankRunner ranks() {
        return new RankRunner() {
            @Override
            public <T> List<T> run(int size, LocalRanks.Body<T> body) throws Exception {
                return CommBackend.named("nccl").run(size, TIMEOUT, "test", body);
            }
        };
    }

    private static <T> List<T> run(int size, Duration timeout, LocalRanks.Body<T> body) throws Exception {
        return CommBackend.named("nccl").run(size, timeout, "test", body);
    }

    @Test
    void rawCollectivesOnDevicePointers() throws Exception {
        List<String> versions = ranks().run(2, comm -> {
            NcclGroup group = NcclGroup.of(comm);
            try (DeviceMemory memory = DeviceMemory.allocate(64);
                    CudaStream stream = CudaStream.create()) {
                INDArray values = Nd4j.createFromArray(1d + comm.rank(), 10d + comm.rank());
                stream.copy(memory.address(), values.data().address(), 16);
                group.allReduce(memory.address(), memory.address(), 2, NcclType.DOUBLE, stream.handle());
                stream.copy(values.data().address(), memory.address(), 16);
                group.await(stream);
                assertEquals(3d, values.getDouble(0));
                assertEquals(21d, values.getDouble(1));
                assertEquals(comm.rank(), group.device().ordinal());
            }
            return NcclGroup.version();
        });
        assertEquals(List.of("2.28.9", "2.28.9"), versions);
    }

    @Test
    void aRankThatDoesNotCallEndsTheOthersAtTheDeadline() throws Exception {
        Doubling.from(SHORT, deadline -> {
            CommException e = assertThrows(
                    CommException.class,
                    () -> run(3, deadline, comm -> {
                        INDArray array = Nd4j.create(DataType.FLOAT, 5);
                        comm.allReduce(array);
                        if (comm.rank() != 1) {
                            comm.allReduce(array);
                        } else {
                            awaitFailure(comm);
                        }
                        return null;
                    }));
            assertEquals(CommException.Reason.TIMEOUT, e.reason());
            assertWaited(deadline, e);
            assertTrue(e.getMessage().contains("all-reduce of 5 FLOAT"), e.getMessage());
            assertTrue(e.getMessage().contains("for rank 1, which did not call it"), e.getMessage());
        });
    }

    /** A rank that is busy with something else until the group has failed. */
    private static void awaitFailure(Communicator comm) throws InterruptedException {
        while (true) {
            NcclGroup.of(comm).check();
            Thread.sleep(5);
        }
    }

    @Test
    void startedWorkThatIsNotAwaitedHasADeadlineToo() throws Exception {
        Doubling.from(SHORT, deadline -> {
            CommException e = assertThrows(
                    CommException.class,
                    () -> run(2, deadline, comm -> {
                        if (comm.rank() == 0) {
                            Pending unused = comm.startAllReduce(Nd4j.create(DataType.FLOAT, 5));
                        }
                        awaitFailure(comm);
                        return null;
                    }));
            assertEquals(CommException.Reason.TIMEOUT, e.reason());
            assertWaited(deadline, e);
            assertTrue(e.getMessage().contains("for rank 1, which did not call it"), e.getMessage());
        });
    }

    private static void assertWaited(Duration deadline, CommException e) {
        assertTrue(e.getMessage().contains(" waited " + deadline.toMillis() + " ms "), e.getMessage());
    }

    @Test
    void aRankThatNeverJoinsIsNamed() {
        List<ThreadControl> controls = ThreadControl.group(2, SHORT);
        CommException e =
                assertThrows(CommException.class, () -> controls.get(0).exchange(new byte[1]));
        assertEquals(CommException.Reason.TIMEOUT, e.reason());
        assertTrue(e.getMessage().contains("rank 0 waited 700 ms for rank 1 to join"), e.getMessage());
        assertThrows(CommException.class, () -> controls.get(1).exchange(new byte[1]), "the group has failed for all");
    }

    @Test
    void aRankThatStopsBetweenJoiningAndConnectingEndsTheOthers() throws Exception {
        Doubling.from(SHORT, deadline -> {
            List<ThreadControl> controls = ThreadControl.group(2, deadline);
            Thread other = new Thread(() -> controls.get(1).exchange(new byte[Nccl.ID_BYTES]));
            other.start();
            try (CudaDevice device = CudaDevice.open(0);
                    NcclWatch watch = new NcclWatch(controls.get(0))) {
                CommException e = assertThrows(CommException.class, () -> NcclGroup.join(watch, device));
                assertEquals(CommException.Reason.TIMEOUT, e.reason());
                assertWaited(deadline, e);
                assertTrue(e.getMessage().contains("for NCCL to connect 2 ranks"), e.getMessage());
            }
            other.join();
        });
    }

    @Test
    void deviceMemoryIsFreeAfterAFailure() throws Exception {
        try (CudaDevice device = CudaDevice.open(0)) {
            long before = device.freeBytes();
            assertThrows(
                    IllegalStateException.class,
                    () -> run(3, TIMEOUT, comm -> {
                        INDArray array = Nd4j.create(DataType.FLOAT, 100_000);
                        if (comm.rank() == 2) {
                            comm.startAllReduce(array).await();
                            throw new IllegalStateException("out of cheese");
                        }
                        comm.allReduce(array);
                        CommException seen = assertThrows(CommException.class, () -> comm.allReduce(array));
                        assertTrue(seen.getMessage().contains("rank 2 failed"), seen.getMessage());
                        throw seen;
                    }));
            assertEquals(before, device.freeBytes());
        }
    }

    @Test
    void whatIsStartedAndNotAwaitedIsFreedToo() throws Exception {
        try (CudaDevice device = CudaDevice.open(0)) {
            long before = device.freeBytes();
            run(2, TIMEOUT, comm -> {
                Pending unused = comm.startAllReduce(Nd4j.create(DataType.FLOAT, 1_000));
                return null;
            });
            assertEquals(before, device.freeBytes());
            assertThrows(
                    IllegalStateException.class,
                    () -> run(2, TIMEOUT, comm -> {
                        if (comm.rank() == 1) {
                            throw new IllegalStateException("out of cheese");
                        }
                        assertThrows(CommException.class, () -> awaitFailure(comm));
                        // begins after the failure, and so never gets to the stream
                        comm.allReduce(Nd4j.create(DataType.FLOAT, 1_000));
                        return null;
                    }));
            assertEquals(before, device.freeBytes());
        }
    }

    @Test
    void ranksThatAreFarAheadWaitForTheLast() throws Exception {
        AtomicInteger slowest = new AtomicInteger();
        run(2, TIMEOUT, comm -> {
            INDArray array = Nd4j.create(DataType.FLOAT, 1);
            for (int i = 0; i < CallBoard.SLOTS + 300; i++) {
                if (comm.rank() == 1 && i % 500 == 499) {
                    Thread.sleep(50);
                    slowest.set(i);
                }
                comm.startBroadcast(array, 1).await();
            }
            return null;
        });
        assertTrue(slowest.get() >= CallBoard.SLOTS - 100);
    }

    @Test
    void moreRanksThanDevicesAreRefused() {
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> run(9, TIMEOUT, comm -> null));
        assertTrue(e.getMessage().contains("9 ranks need 9 GPUs, and this process sees 8"), e.getMessage());
    }

    @Test
    void twoRanksOnOneDeviceAreRefused() throws Exception {
        List<ThreadControl> controls = ThreadControl.group(2, TIMEOUT);
        AtomicInteger refused = new AtomicInteger();
        Thread other = new Thread(() -> {
            assertThrows(CommException.class, () -> DeviceChoice.requireDistinct(controls.get(1), "0000:1b:00.0"));
            refused.incrementAndGet();
        });
        other.start();
        CommException e =
                assertThrows(CommException.class, () -> DeviceChoice.requireDistinct(controls.get(0), "0000:1b:00.0"));
        assertEquals(CommException.Reason.REFUSED, e.reason());
        assertTrue(e.getMessage().contains("rank 0 and rank 1 are both on GPU 0000:1b:00.0"), e.getMessage());
        other.join();
        assertEquals(1, refused.get());
    }
}
