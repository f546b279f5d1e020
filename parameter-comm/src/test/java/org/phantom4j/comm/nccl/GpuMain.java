package org.phantom4j.comm.nccl;

import java.io.BufferedReader;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.comm.CommBackend;
import org.phantom4j.comm.CommException;
import org.phantom4j.comm.CommunicatorContract;
import org.phantom4j.comm.DenseArrays;
import org.phantom4j.comm.LocalRanks;
import org.phantom4j.comm.RankRunner;
import org.phantom4j.comm.cuda.CudaDevice;
import org.phantom4j.comm.world.Job;
import org.phantom4j.comm.world.RankProcesses;
import org.phantom4j.comm.world.Secret;
import org.phantom4j.comm.world.World;

/**
 * Checks on a machine with one or more GPUs; prints a table last and ends with 1 if a check failed. Without arguments:
 * everything; {@code rank collectives|forever TIMEOUT_MS}: one rank that is a process.
 */
final class GpuMain {

    private static final Duration TIMEOUT = Duration.ofSeconds(30);
    private static final Duration SHORT = Duration.ofSeconds(3);

    /** What NCCL and the driver may keep of a device for the next group, in bytes. */
    private static final long KEPT = 64L << 20;

    private GpuMain() {}

    public static void main(String[] args) throws Exception {
        if (args.length > 0) {
            System.exit(rank(args[1], Duration.ofMillis(Long.parseLong(args[2]))));
        }
        int devices = CudaDevice.count();
        System.out.println(devices + " devices, NCCL " + NcclGroup.version());
        GpuTable table = new GpuTable();
        for (int size = 1; size <= Math.min(devices, 8); size *= 2) {
            int ranks = size;
            table.check("collectives, " + ranks + " threads", () -> threads(ranks, TIMEOUT, RawChecks::collectives));
            table.check("graph, " + ranks + " threads", () -> threads(ranks, TIMEOUT, RawChecks::graph));
            table.check("collectives, " + ranks + " processes", () -> processes(ranks));
        }
        contract(table, devices);
        if (devices > 1) {
            table.check("a rank that stops calling, threads", () -> stops());
            table.check("a rank that is killed", GpuMain::killed);
            table.check("a rank that never comes, processes", GpuMain::neverComes);
            table.check("a rank that never comes, threads", GpuMain::neverJoins);
        }
        table.check("more ranks than devices", () -> refused(devices + 1));
        boolean passed = table.print();
        System.out.flush();
        System.exit(passed ? 0 : 1);
    }

    /** What a rank does. */
    private interface Work {
        String run(NcclGroup group) throws Exception;
    }

    private static String onDevice(ControlGroup control, int ordinal, Work work) throws Exception {
        try (CudaDevice device = CudaDevice.open(ordinal);
                NcclWatch watch = new NcclWatch(control);
                NcclGroup group = NcclGroup.join(watch, device)) {
            try {
                return work.run(group);
            } catch (Exception e) {
                group.abort(e);
                throw e;
            }
        }
    }

    private static String threads(int size, Duration timeout, Work work) throws Exception {
        AtomicReference<Exception> first = new AtomicReference<>();
        AtomicReference<String> result = new AtomicReference<>();
        List<Thread> threads = new ArrayList<>();
        for (ThreadControl control : ThreadControl.group(size, timeout)) {
            Thread thread = new Thread(() -> {
                try {
                    result.set(onDevice(control, control.rank(), work));
                } catch (Exception e) {
                    first.compareAndSet(null, e);
                    control.fail(new CommException(CommException.Reason.RANK_FAILED, e.getMessage(), e));
                }
            });
            thread.start();
            threads.add(thread);
        }
        for (Thread thread : threads) {
            thread.join();
        }
        if (first.get() != null) {
            throw first.get();
        }
        return result.get();
    }

    /** One rank that is a process; its output's last line is its result. */
    private static int rank(String what, Duration timeout) {
        World world = World.fromEnvironment(System.getenv()).orElseThrow();
        Job job = null;
        try {
            job = Job.join(world, Secret.fromEnvironment(System.getenv()), "test", timeout);
            JobControl control = new JobControl(job, timeout);
            Work work = what.equals("collectives")
                    ? RawChecks::collectives
                    : group -> {
                        System.out.println("joined");
                        return RawChecks.forEver(group, false);
                    };
            System.out.println(onDevice(control, world.localRank(), work));
            return 0;
        } catch (Exception e) {
            System.out.println(e.getMessage());
            return 1;
        } finally {
            if (job != null) {
                job.close();
            }
        }
    }

    /** Starts some of a job's ranks as processes. */
    private static List<Process> start(int started, int ranks, String what, Duration timeout) throws IOException {
        int port;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = socket.getLocalPort();
        }
        String secret = Secret.random();
        List<Process> processes = new ArrayList<>();
        for (int rank = 0; rank < started; rank++) {
            ProcessBuilder builder = new ProcessBuilder(RankProcesses.javaCommand(
                    GpuMain.class.getName(), List.of("rank", what, Long.toString(timeout.toMillis()))));
            builder.environment().put(World.RANK, Integer.toString(rank));
            builder.environment().put(World.WORLD_SIZE, Integer.toString(ranks));
            builder.environment().put(World.LOCAL_RANK, Integer.toString(rank));
            builder.environment().put(World.MASTER_ADDR, "127.0.0.1");
            builder.environment().put(World.MASTER_PORT, Integer.toString(port));
            builder.environment().put(Secret.VARIABLE, secret);
            processes.add(builder.redirectErrorStream(true).start());
        }
        return processes;
    }

    /** Waits for a process to end by itself; its last line, but for what NCCL prints at the end where NCCL_DEBUG is set. */
    private static String end(Process process, BufferedReader output, int status, Duration within) throws Exception {
        if (!process.waitFor(within.toMillis(), TimeUnit.MILLISECONDS)) {
            process.destroyForcibly();
            throw new IllegalStateException("a rank still ran after " + within.toSeconds() + " s");
        }
        String last = output.lines()
                .filter(line -> !line.startsWith("NCCL version"))
                .reduce((before, line) -> line)
                .orElse("");
        if (process.exitValue() != status) {
            throw new IllegalStateException("a rank ended with " + process.exitValue() + ": " + last);
        }
        return last;
    }

    private static String processes(int ranks) throws Exception {
        String last = "";
        for (Process process : start(ranks, ranks, "collectives", TIMEOUT)) {
            last = end(process, process.inputReader(StandardCharsets.UTF_8), 0, TIMEOUT.multipliedBy(2));
        }
        return last;
    }

    private static String stops() throws Exception {
        long before = freeBytes(0);
        long beganNs = System.nanoTime();
        try {
            threads(2, SHORT, group -> RawChecks.forEver(group, true));
        } catch (CommException e) {
            require(e.getMessage().contains("for rank 1, which did not call it"), e.getMessage());
            double seconds = (System.nanoTime() - beganNs) / 1e9;
            require(seconds < 12, "ended only after " + seconds + " s");
            requireFree(0, before);
            return e.getMessage();
        }
        throw new IllegalStateException("nothing failed");
    }

    private static String killed() throws Exception {
        long before = freeBytes(0);
        List<Process> processes = start(2, 2, "forever", TIMEOUT);
        BufferedReader output = processes.get(0).inputReader(StandardCharsets.UTF_8);
        String line = output.readLine();
        while (line != null && !line.equals("joined")) {
            line = output.readLine();
        }
        Thread.sleep(500);
        long beganNs = System.nanoTime();
        processes.get(1).destroyForcibly();
        String last = end(processes.get(0), output, 1, TIMEOUT);
        require(last.contains("rank 1 (host ") && last.contains("died or was cut off"), last);
        requireFree(0, before);
        return String.format(
                Locale.ROOT, "the other ended %.2f s later: %s", (System.nanoTime() - beganNs) / 1e9, last);
    }

    private static String neverComes() throws Exception {
        Process only = start(1, 2, "collectives", SHORT).get(0);
        return end(only, only.inputReader(StandardCharsets.UTF_8), 1, Duration.ofSeconds(20));
    }

    private static String neverJoins() throws Exception {
        List<ThreadControl> controls = ThreadControl.group(2, SHORT);
        try {
            return onDevice(controls.get(0), 0, RawChecks::collectives);
        } catch (CommException e) {
            require(e.getMessage().contains("for rank 1 to join"), e.getMessage());
            return e.getMessage();
        }
    }

    private static String refused(int ranks) throws Exception {
        try {
            CommBackend.named("nccl").run(ranks, SHORT, "test", comm -> null);
        } catch (IllegalArgumentException e) {
            return e.getMessage();
        }
        throw new IllegalStateException("nothing was refused");
    }

    private static long freeBytes(int ordinal) {
        try (CudaDevice device = CudaDevice.open(ordinal)) {
            return device.freeBytes();
        }
    }

    private static void requireFree(int ordinal, long before) throws InterruptedException {
        long free = freeBytes(ordinal);
        for (int i = 0; i < 30 && free < before - KEPT; i++) {
            // a process that was killed gives its memory back a moment later
            Thread.sleep(100);
            free = freeBytes(ordinal);
        }
        require(free >= before - KEPT, (before - free) + " bytes of the device are not free again");
    }

    private static void require(boolean condition, String otherwise) {
        if (!condition) {
            throw new IllegalStateException(otherwise);
        }
    }

    // ---- the contract, on ND4J's arrays

    /** The contract over NCCL with as many ranks as there are devices. */
    private static final class Contract extends CommunicatorContract {
        private final int devices;

        Contract(int devices) {
            this.devices = devices;
        }

        @Override
        protected int mostRanks() {
            return devices;
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
    }

    private static void contract(GpuTable table, int devices) {
        String backend;
        try {
            backend = Nd4j.getExecutioner().type().toString();
        } catch (LinkageError | RuntimeException e) {
            System.out.println("no ND4J backend: arrays are not checked (" + e + ")");
            return;
        }
        Contract contract = new Contract(devices);
        table.check("every collective, 1 rank, " + backend, () -> call(contract, "everyCollectiveOnEveryGroupSize", 1));
        if (devices > 1 && DenseArrays.onDevice()) {
            // over two processes: phantom bench soak --comm nccl --ranks 2
            table.check("two ranks that are threads, " + backend, () -> refused(2));
        } else if (devices > 1) {
            table.check(
                    "every collective, 2 ranks, " + backend,
                    () -> call(contract, "everyCollectiveOnEveryGroupSize", 2));
            table.check("large arrays, " + backend, () -> call(contract, "arraysLargerThanAllBuffers", 2));
            for (String name : List.of(
                    "matricesAreRowsOfElementsInMemoryOrder",
                    "disagreementNamesBothSides",
                    "wrongArgumentsAreRefusedBeforeAnythingIsSent",
                    "aClosedCommunicatorRefuses")) {
                table.check(name, () -> call(contract, name));
            }
        }
    }

    private static String call(Contract contract, String name, int... argument) throws Exception {
        Method method = argument.length == 0
                ? CommunicatorContract.class.getDeclaredMethod(name)
                : CommunicatorContract.class.getDeclaredMethod(name, int.class);
        method.setAccessible(true);
        try {
            if (argument.length == 0) {
                method.invoke(contract);
            } else {
                method.invoke(contract, argument[0]);
            }
            return "";
        } catch (InvocationTargetException e) {
            throw e.getCause() instanceof Exception cause ? cause : new IllegalStateException(e.getCause());
        }
    }
}
