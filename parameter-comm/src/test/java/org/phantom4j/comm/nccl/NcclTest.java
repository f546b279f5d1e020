package org.phantom4j.comm.nccl;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.jna.Native;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.phantom4j.comm.Collective;
import org.phantom4j.comm.CommBackend;
import org.phantom4j.comm.CommException;
import org.phantom4j.comm.LocalRanks;
import org.phantom4j.comm.cuda.CudaDevice;

/** What runs without NCCL. */
class NcclTest {

    private static final long TIMEOUT_NS = 300_000_000L;

    @Test
    void structuresAreAsNcclHasThem() {
        assertEquals(128, Native.getNativeSize(Nccl.UniqueId.class, null));
        Nccl.Config config = new Nccl.Config();
        assertEquals(Nccl.Config.BYTES, config.size());
        config.write();
        assertEquals(48L, config.getPointer().getLong(0));
        assertEquals(0xcafebeef, config.getPointer().getInt(8));
        assertEquals(21800, config.getPointer().getInt(12));
        assertEquals(1, config.getPointer().getInt(16));
        assertEquals(0L, config.getPointer().getLong(32));
        assertEquals(Integer.MIN_VALUE, config.getPointer().getInt(40));
    }

    @Test
    void versionsAreRead() {
        assertEquals("2.28.9", NcclVersion.text(22809));
        assertEquals("2.18.0", NcclVersion.text(NcclVersion.OLDEST));
        assertEquals("2.8.4", NcclVersion.text(2804));
    }

    private static CallBoard[] boards(int size) {
        ByteBuffer memory = ByteBuffer.allocateDirect(CallBoard.bytes(size)).order(ByteOrder.nativeOrder());
        CallBoard[] boards = new CallBoard[size];
        boolean[] shares = new boolean[size];
        for (int rank = 0; rank < size; rank++) {
            shares[rank] = true;
        }
        for (int rank = 0; rank < size; rank++) {
            boards[rank] = new CallBoard(memory, rank, shares);
        }
        return boards;
    }

    private static void post(CallBoard board, Collective collective, NcclType type, long elements, int root) {
        board.post(Call.code(collective, type, root, 0), elements, TIMEOUT_NS, () -> {});
    }

    @Test
    void theLaterOfTwoRanksThatDisagreeSeesIt() {
        CallBoard[] boards = boards(3);
        for (CallBoard board : boards) {
            post(board, Collective.ALL_GATHER, NcclType.FLOAT, 12, 0);
        }
        assertEquals(boards[0].hash(), boards[2].hash());
        post(boards[1], Collective.ALL_REDUCE, NcclType.FLOAT, 64, 0);
        assertEquals("0, 2", boards[1].behind(2));
        CommException e = assertThrows(
                CommException.class, () -> post(boards[2], Collective.BROADCAST, NcclType.BFLOAT16, 64, 1));
        assertEquals(CommException.Reason.MISMATCH, e.reason());
        assertTrue(
                e.getMessage()
                        .startsWith("collective number 1: rank 2 called broadcast of 64 BFLOAT16 from rank 1 but rank 1"
                                + " called all-reduce of 64 FLOAT"),
                e.getMessage());
    }

    @Test
    void everyPartOfACallIsCompared() {
        for (int part = 0; part < 5; part++) {
            CallBoard[] boards = boards(2);
            boards[0].post(Call.code(Collective.ALL_GATHER, NcclType.FLOAT, 0, 0), 8, TIMEOUT_NS, () -> {});
            long code = Call.code(
                    part == 0 ? Collective.REDUCE_SCATTER : Collective.ALL_GATHER,
                    part == 1 ? NcclType.INT64 : NcclType.FLOAT,
                    part == 2 ? 1 : 0,
                    part == 3 ? 5 : 0);
            long elements = part == 4 ? 9 : 8;
            assertThrows(CommException.class, () -> boards[1].post(code, elements, TIMEOUT_NS, () -> {}));
        }
    }

    @Test
    void aRankDoesNotRunAwayFromTheOthers() {
        CallBoard[] boards = boards(2);
        post(boards[1], Collective.BARRIER, NcclType.INT64, 0, 0);
        for (int i = 0; i < CallBoard.SLOTS; i++) {
            post(boards[0], Collective.BARRIER, NcclType.INT64, 0, 0);
        }
        CommException e =
                assertThrows(CommException.class, () -> post(boards[0], Collective.BARRIER, NcclType.INT64, 0, 0));
        assertEquals(CommException.Reason.TIMEOUT, e.reason());
        assertTrue(e.getMessage().contains("for rank 1, which is 1024 collectives behind"), e.getMessage());
    }

    @Test
    void manyCallsAreComparedAcrossThreads() throws Exception {
        CallBoard[] boards = boards(2);
        int calls = 20 * CallBoard.SLOTS;
        Thread other = new Thread(() -> {
            for (int i = 0; i < calls; i++) {
                post(boards[1], Collective.ALL_REDUCE, NcclType.DOUBLE, i, 0);
            }
        });
        other.start();
        for (int i = 0; i < calls; i++) {
            boards[0].post(
                    Call.code(Collective.ALL_REDUCE, NcclType.DOUBLE, 0, 0), i, 20_000_000_000L, Thread::onSpinWait);
        }
        other.join();
        assertEquals(boards[0].hash(), boards[1].hash());
        assertEquals(calls, boards[0].calls());
    }

    @Test
    void aMachineWithoutAGpuIsToldSo() {
        Assumptions.assumeTrue(CudaDevice.count() == 0, "skipped: there is a GPU here");
        CommBackend backend = CommBackend.named("nccl");
        assertFalse(backend.ranksAreProcesses());
        LocalRanks.Body<Void> nothing = comm -> null;
        for (Executable refused : List.<Executable>of(
                () -> backend.requireRoom(2), () -> backend.run(2, Duration.ofSeconds(1), "test", nothing))) {
            IllegalArgumentException e = assertThrows(IllegalArgumentException.class, refused);
            assertTrue(
                    e.getMessage().contains("needs an NVIDIA GPU for each rank, and this process sees none"),
                    e.getMessage());
        }
    }

    @Test
    void processesTakeTheDeviceOfTheirLocalNumber() {
        assertEquals(1, DeviceChoice.ofProcess(1, 2));
        assertEquals(0, DeviceChoice.ofProcess(3, 1), "a launcher shows each process a device of its own");
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> DeviceChoice.ofProcess(2, 2));
        assertTrue(e.getMessage().contains("3 ranks need 3 GPUs, and this process sees 2"), e.getMessage());
    }

    @Test
    void otherCommunicatorsHaveNoGroup() throws Exception {
        LocalRanks.run(1, Duration.ofSeconds(1), comm -> {
            IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> NcclGroup.of(comm));
            assertTrue(e.getMessage().contains("--comm nccl"), e.getMessage());
            return null;
        });
    }
}
