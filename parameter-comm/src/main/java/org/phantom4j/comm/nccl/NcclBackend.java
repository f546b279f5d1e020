package org.phantom4j.comm.nccl;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.comm.CommBackend;
import org.phantom4j.comm.CommException;
import org.phantom4j.comm.CommException.Reason;
import org.phantom4j.comm.Deadlines;
import org.phantom4j.comm.DenseArrays;
import org.phantom4j.comm.LocalRanks;
import org.phantom4j.comm.RankContext;
import org.phantom4j.comm.cuda.CudaDevice;
import org.phantom4j.comm.world.Job;
import org.phantom4j.comm.world.RankProcesses;
import org.phantom4j.comm.world.Secret;
import org.phantom4j.comm.world.World;

/**
 * "nccl": a GPU for each rank. Ranks are threads of this process, rank i on device i; or, where a launcher has set RANK
 * ({@link World}), this process is one rank, on the device of its local number.
 *
 * <p>Where ND4J's arrays are on GPUs, ranks must be processes. ND4J allocates and frees device memory all the time, and that
 * can wait for all devices of the process: for collectives, too, that wait for the thread which allocates.
 */
public final class NcclBackend implements CommBackend {

    /** A class of ND4J's CUDA backend. */
    private static final String CUDA_ARRAYS = "org/nd4j/linalg/jcublas/JCublasNDArray.class";

    /** For ServiceLoader. */
    public NcclBackend() {}

    @Override
    public String name() {
        return "nccl";
    }

    /** {@inheritDoc} They are where a launcher has set RANK, and have to be where ND4J's CUDA backend is on the class path. */
    @Override
    public boolean ranksAreProcesses() {
        return World.fromEnvironment(System.getenv()).isPresent()
                || NcclBackend.class.getClassLoader().getResource(CUDA_ARRAYS) != null;
    }

    @Override
    public void requireRoom(int ranks) {
        DeviceChoice.requireEnough(ranks, CudaDevice.count());
    }

    /**
     * {@inheritDoc}
     *
     * @throws IllegalArgumentException if there are fewer devices than ranks, or if ranks would be threads that have to be
     *     processes
     * @throws org.phantom4j.comm.cuda.CudaException if there is no NCCL; the message says what to install
     */
    @Override
    public <T> List<T> run(int ranks, Deadlines deadlines, String geometry, LocalRanks.Body<T> body) throws Exception {
        Map<String, String> environment = System.getenv();
        Optional<World> world = World.fromEnvironment(environment);
        int devices = CudaDevice.count();
        DeviceChoice.requireEnough(1, devices);
        if (world.isEmpty()) {
            DeviceChoice.requireEnough(ranks, devices);
            requireHostArrays(ranks);
            return runThreads(ranks, deadlines.collective(), body);
        }
        if (ranks != world.get().size()) {
            throw new IllegalArgumentException(ranks + " ranks were asked for but WORLD_SIZE is "
                    + world.get().size());
        }
        RankProcesses.endWithLauncher(environment);
        List<T> results = new ArrayList<>();
        results.add(runProcess(world.get(), Secret.fromEnvironment(environment), geometry, deadlines, devices, body));
        return results;
    }

    private static void requireHostArrays(int ranks) {
        if (ranks > 1 && DenseArrays.onDevice()) {
            throw new IllegalArgumentException(
                    "ranks of back end nccl must be processes where ND4J's arrays are on GPUs, and"
                            + " nothing has started this process as one of " + ranks
                            + ": set RANK and WORLD_SIZE, as Slurm, MPI"
                            + " launchers, RankProcesses and ./phantom do");
        }
    }

    private static <T> T runProcess(
            World world, Secret secret, String geometry, Deadlines deadlines, int devices, LocalRanks.Body<T> body)
            throws Exception {
        if (world.localRank() >= 0) {
            // what cannot be is said before the others wait for it
            DeviceChoice.ofProcess(world.localRank(), devices);
        }
        Job job = Job.join(world, secret, geometry, deadlines);
        try (job) {
            JobControl control = new JobControl(job, deadlines.collective());
            try {
                int ordinal = DeviceChoice.ofProcess(job.localRank(), devices);
                T result = runRank(control, ordinal, body, e -> {});
                job.close();
                return result;
            } catch (Throwable e) {
                control.fail(failure(control, e));
                throw e;
            }
        }
    }

    /** Runs ranks that are threads, rank i on device i. */
    static <T> List<T> runThreads(int ranks, Duration timeout, LocalRanks.Body<T> body) throws Exception {
        if (ranks < 1) {
            throw new IllegalArgumentException("ranks must be at least 1, not " + ranks);
        }
        AtomicReference<Throwable> first = new AtomicReference<>();
        List<T> results = new ArrayList<>();
        List<Thread> threads = new ArrayList<>();
        for (ThreadControl control : ThreadControl.group(ranks, timeout)) {
            results.add(null);
            Thread thread = new Thread(
                    () -> {
                        try {
                            T result = runRank(control, control.rank(), body, e -> first.compareAndSet(null, e));
                            synchronized (results) {
                                results.set(control.rank(), result);
                            }
                        } catch (Throwable e) {
                            first.compareAndSet(null, e);
                            control.fail(failure(control, e));
                        }
                    },
                    "rank-" + control.rank());
            thread.setDaemon(true);
            threads.add(thread);
        }
        threads.forEach(Thread::start);
        for (Thread thread : threads) {
            thread.join();
        }
        if (first.get() instanceof Exception e) {
            throw e;
        }
        if (first.get() != null) {
            throw new IllegalStateException("a rank failed: " + first.get(), first.get());
        }
        return results;
    }

    private static CommException failure(ControlGroup control, Throwable e) {
        return e instanceof CommException failure
                ? failure
                : new CommException(Reason.RANK_FAILED, control.name(control.rank()) + " failed: " + e, e);
    }

    /**
     * One rank, on the calling thread.
     *
     * @param onFailure told of a failure before any other rank is
     */
    private static <T> T runRank(
            ControlGroup control, int ordinal, LocalRanks.Body<T> body, Consumer<Throwable> onFailure)
            throws Exception {
        try (CudaDevice device = CudaDevice.open(ordinal)) {
            // ND4J's CUDA backend computes where its thread is bound to; its CPU backend does not care
            Nd4j.getAffinityManager().unsafeSetDevice(ordinal);
            device.bind();
            DeviceChoice.requireDistinct(control, device.pciBusId());
            try (NcclWatch watch = new NcclWatch(control);
                    NcclCommunicator communicator = new NcclCommunicator(NcclGroup.join(watch, device))) {
                try {
                    T result = RankContext.call(communicator, () -> body.run(communicator));
                    // what was not awaited on the host may have failed
                    communicator.barrier();
                    return result;
                } catch (Throwable e) {
                    onFailure.accept(e);
                    // the others, and kernels that wait for them, must hear of it before this rank cleans up
                    watch.fail(failure(control, e));
                    throw e;
                }
            }
        }
    }
}
