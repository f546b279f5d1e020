package org.phantom4j.cli.launch;

import java.util.Arrays;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.comm.CommException;
import org.phantom4j.comm.Communicator;
import org.phantom4j.comm.DenseArrays;
import org.phantom4j.layers.train.PeakMemory;

/** Brings results of ranks together, wherever the ranks run. Every method is a collective: all ranks call it. */
public final class RankResults {

    private static final long POLL_MS = 200;

    private RankResults() {}

    /** A number of every rank, in rank order. */
    public static long[] gather(Communicator group, long own) {
        INDArray all = Nd4j.createUninitialized(DataType.INT64, group.size());
        group.allGather(Nd4j.createFromArray(own), all);
        return all.toLongVector();
    }

    public static long sum(Communicator group, long own) {
        return Arrays.stream(gather(group, own)).sum();
    }

    public static double max(Communicator group, double own) {
        INDArray all = Nd4j.createUninitialized(DataType.DOUBLE, group.size());
        group.allGather(Nd4j.createFromArray(own), all);
        return Arrays.stream(all.toDoubleVector()).max().orElseThrow();
    }

    /**
     * The peak memory of the processes that the ranks run in, in bytes.
     *
     * @param ranksAreProcesses else all ranks are in one process
     * @return empty where a system does not tell it
     */
    public static OptionalLong peakBytes(Communicator group, boolean ranksAreProcesses) {
        // a rank that is done early waits for its process's others
        group.barrier();
        long own = ranksAreProcesses || group.rank() == 0 ? PeakMemory.bytes().orElse(-1) : 0;
        long[] all = gather(group, own);
        boolean known = Arrays.stream(all).allMatch(bytes -> bytes >= 0);
        return known ? OptionalLong.of(Arrays.stream(all).sum()) : OptionalLong.empty();
    }

    /**
     * Lets rank 0 do what the others wait for, however long it takes: print, save. If it fails, all ranks do. If another rank
     * fails meanwhile, the task is finished first.
     */
    public static void onFirstRank(Communicator group, Callable<Void> task) throws Exception {
        if (group.size() == 1) {
            task.call();
            return;
        }
        FutureTask<Void> work = new FutureTask<>(task);
        if (group.rank() == 0) {
            Thread thread = new Thread(DenseArrays.onThisDevice(work), "first-rank");
            thread.setDaemon(true);
            thread.start();
        }
        INDArray done = Nd4j.zeros(DataType.INT64, 1);
        try {
            while (done.getLong(0) == 0) {
                if (group.rank() == 0 && isDone(work)) {
                    done.putScalar(0, 1);
                }
                // the others' waits end here, at intervals far shorter than their deadline
                group.broadcast(done, 0);
            }
        } catch (CommException e) {
            if (group.rank() == 0) {
                work.get();
            }
            throw e;
        }
    }

    /** Waits a little for the task; throws what it threw. */
    private static boolean isDone(FutureTask<Void> work) throws Exception {
        try {
            work.get(POLL_MS, TimeUnit.MILLISECONDS);
            return true;
        } catch (TimeoutException e) {
            return false;
        } catch (ExecutionException e) {
            throw e.getCause() instanceof Exception cause ? cause : e;
        }
    }
}
