package org.phantom4j.comm.world;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * Starts the ranks of a job as processes of this machine, each with RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR,
 * MASTER_PORT and a secret of its own, and stands for them: their output comes out here, line by line with the rank
 * before it; when this process is asked to end, they are; and when one fails, so does the whole.
 */
public final class RankProcesses {

    /** How long ranks may take to end by themselves once one has failed. */
    private static final long GRACE_SECONDS = 30;

    /** And how long once they were asked to: less than who asks this process gives it before it is killed. */
    private static final long STOP_SECONDS = 5;

    private static final int SIGNAL_STATUS = 128;

    /** Variables that hold options of Java's: a Java process counts them among its own, of which the command is made. */
    private static final List<String> JAVA_OPTIONS = List.of("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS");

    /**
     * What glibc's malloc may have of arenas. Its own limit is eight for each processor, handed out to threads as they come:
     * each keeps about the most that it ever held, while ND4J's arrays are mostly made in one thread at a time.
     */
    private static final String MALLOC_ARENAS = "2";

    private final List<Process> processes = new ArrayList<>();
    private final List<Thread> printers = new ArrayList<>();
    private final BlockingQueue<Integer> ended = new LinkedBlockingQueue<>();
    private final RankOutput output;
    private final PrintStream err;

    private RankProcesses(int ranks, PrintStream out, PrintStream err) {
        this.output = new RankOutput(ranks, out, err);
        this.err = err;
    }

    /**
     * The command that would run {@code mainClass} as this process's Java runs. Ports of debuggers and monitors that it names are
     * this process's; {@link #run} gives each rank its own, ten further for each rank.
     */
    public static List<String> javaCommand(String mainClass, List<String> arguments) {
        List<String> command = new ArrayList<>();
        command.add(ProcessHandle.current().info().command().orElse(System.getProperty("java.home") + "/bin/java"));
        command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
        command.add("-cp");
        command.add(System.getProperty("java.class.path"));
        command.add(mainClass);
        command.addAll(arguments);
        return command;
    }

    /**
     * Runs {@code command} once for each rank and waits for all.
     *
     * @param command as of {@link #javaCommand}
     * @param environment more variables for the ranks
     * @return 0 if every rank ended with 0, else the status of the rank that failed first; 128 + n for signal n
     */
    public static int run(
            List<String> command, int ranks, Map<String, String> environment, PrintStream out, PrintStream err)
            throws InterruptedException {
        RankProcesses launched = new RankProcesses(ranks, out, err);
        Thread hook = new Thread(launched::stop, "stop-ranks");
        Runtime.getRuntime().addShutdownHook(hook);
        try {
            launched.start(command, ranks, environment);
            return launched.await();
        } catch (IOException e) {
            launched.stop();
            throw new UncheckedIOException("cannot start the ranks: " + e.getMessage(), e);
        } finally {
            removeHook(hook);
        }
    }

    private static void removeHook(Thread hook) {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // this process is being shut down: the hook runs already
            Thread.onSpinWait();
        }
    }

    private void start(List<String> command, int ranks, Map<String, String> environment) throws IOException {
        int port = freePort();
        String secret = Secret.random();
        for (int rank = 0; rank < ranks; rank++) {
            ProcessBuilder builder = new ProcessBuilder(DebugPorts.forRank(command, rank));
            Map<String, String> variables = builder.environment();
            variables.keySet().removeAll(JAVA_OPTIONS);
            variables.putAll(environment);
            // ranks whose computing threads outnumber the processors slow each other down many times
            int threads = Math.max(1, Runtime.getRuntime().availableProcessors() / ranks);
            variables.putIfAbsent("OMP_NUM_THREADS", Integer.toString(threads));
            variables.putIfAbsent("MALLOC_ARENA_MAX", MALLOC_ARENAS);
            variables.put(World.RANK, Integer.toString(rank));
            variables.put(World.WORLD_SIZE, Integer.toString(ranks));
            variables.put(World.LOCAL_RANK, Integer.toString(rank));
            variables.put(World.MASTER_ADDR, "127.0.0.1");
            variables.put(World.MASTER_PORT, Integer.toString(port));
            variables.put(Secret.VARIABLE, secret);
            variables.put(
                    Launcher.PHANTOM, Long.toString(ProcessHandle.current().pid()));
            Process process = builder.start();
            process.getOutputStream().close();
            processes.add(process);
            int number = rank;
            print(number, process.getInputStream(), false);
            print(number, process.getErrorStream(), true);
            DaemonThread.start("rank-" + number + "-end", () -> {
                process.onExit().join();
                ended.add(number);
            });
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private void print(int rank, InputStream stream, boolean isError) {
        printers.add(DaemonThread.start(
                "rank-" + rank + (isError ? "-err" : "-out"), () -> output.copy(rank, stream, isError)));
    }

    private int await() throws InterruptedException {
        int first = -1;
        long deadlineNs = Long.MAX_VALUE;
        for (int left = processes.size(); left > 0; left--) {
            Integer rank =
                    ended.poll(first < 0 ? Long.MAX_VALUE : deadlineNs - System.nanoTime(), TimeUnit.NANOSECONDS);
            if (rank == null) {
                err.println("ranks still run " + GRACE_SECONDS + " s after the first failure: ending them");
                stop();
                break;
            }
            if (first < 0 && processes.get(rank).exitValue() != 0) {
                first = killedBefore(rank);
                deadlineNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(GRACE_SECONDS);
            }
        }
        for (Thread printer : printers) {
            printer.join(TimeUnit.SECONDS.toMillis(GRACE_SECONDS));
        }
        if (first < 0) {
            output.release("");
            return 0;
        }
        int status = processes.get(first).exitValue();
        boolean killed = status > SIGNAL_STATUS;
        String signal = killed ? " (signal " + (status - SIGNAL_STATUS) + ")" : "";
        // what was killed could not say why: the others can
        String message = killed ? survivorsMessage(first) : output.lastError(first);
        output.release(message == null ? "" : message);
        err.println("rank " + first + " failed first, with status " + status + signal
                + (message == null ? "" : ": " + message));
        return status;
    }

    /** A rank that has been killed by now, if any: the one that failed did because of it, however late its end is noticed. */
    private int killedBefore(int failed) {
        if (processes.get(failed).exitValue() > SIGNAL_STATUS) {
            return failed;
        }
        for (int rank = 0; rank < processes.size(); rank++) {
            Process process = processes.get(rank);
            if (!process.isAlive() && process.exitValue() > SIGNAL_STATUS) {
                return rank;
            }
        }
        return failed;
    }

    private String survivorsMessage(int killed) {
        for (int rank = 0; rank < processes.size(); rank++) {
            Process process = processes.get(rank);
            if (rank != killed
                    && !process.isAlive()
                    && process.exitValue() > 0
                    && process.exitValue() < SIGNAL_STATUS) {
                return output.lastError(rank);
            }
        }
        return null;
    }

    /** Asks all ranks to end, and makes those that do not. */
    private void stop() {
        processes.forEach(Process::destroy);
        long deadlineNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(STOP_SECONDS);
        for (Process process : processes) {
            try {
                if (!process.waitFor(deadlineNs - System.nanoTime(), TimeUnit.NANOSECONDS)) {
                    process.destroyForcibly();
                }
            } catch (InterruptedException e) {
                process.destroyForcibly();
                Thread.currentThread().interrupt();
            }
        }
    }

    /** In a rank: ends this process when the launcher that started it is gone, however that ended. */
    public static void endWithLauncher(Map<String, String> environment) {
        String launcher = environment.get(Launcher.PHANTOM);
        if (launcher != null) {
            DaemonThread.start("launcher-end", () -> {
                ProcessHandle.of(Long.parseLong(launcher))
                        .ifPresent(process -> process.onExit().join());
                Runtime.getRuntime().halt(SIGNAL_STATUS + 1);
            });
        }
    }
}
