package org.phantom4j.ops.cuda.retarget.compile;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/** Runs a program with a deadline. What still runs when this virtual machine ends is ended with it. */
final class ChildProcess {
    private static final int KEPT_OUTPUT_BYTES = 64 << 10;
    private static final int SIGNALLED = 128;
    private static final Set<Process> RUNNING = ConcurrentHashMap.newKeySet();
    /** Guarded by RUNNING. */
    private static boolean ending;

    static {
        Runtime.getRuntime().addShutdownHook(new Thread(ChildProcess::endAll));
    }

    private ChildProcess() {}

    /**
     * How a program ended.
     *
     * @param timedOut whether it was ended at its deadline
     * @param exitCode as the operating system gives it
     * @param output   the last 64 KiB of what it printed, both streams
     */
    record Result(boolean timedOut, int exitCode, String output) {
        boolean succeeded() {
            return !timedOut && exitCode == 0;
        }

        String describe() {
            String how = timedOut
                    ? "ended at its deadline"
                    : exitCode > SIGNALLED ? "crashed with signal " + (exitCode - SIGNALLED) : "exit code " + exitCode;
            return output.isBlank() ? how : how + ": " + output.strip();
        }
    }

    /**
     * Runs a command and waits for its end.
     *
     * @throws IOException          if it cannot be started
     * @throws InterruptedException if interrupted; the program is ended
     */
    static Result run(List<String> command, Duration limit) throws IOException, InterruptedException {
        // through a file: a pipe that nobody reads in time would stop the program
        Path output = Files.createTempFile("phantom4j", ".log");
        Process process = null;
        try {
            process = start(command, output);
            boolean ended = process.waitFor(limit.toNanos(), TimeUnit.NANOSECONDS);
            return new Result(!ended, ended ? process.exitValue() : -1, tail(output));
        } finally {
            if (process != null) {
                process.destroyForcibly();
                RUNNING.remove(process);
            }
            Files.deleteIfExists(output);
        }
    }

    private static Process start(List<String> command, Path output) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectInput(new File("/dev/null"))
                .redirectOutput(output.toFile());
        // not while endAll() runs, nor after it: this virtual machine may be gone before it could end the program
        synchronized (RUNNING) {
            if (ending) {
                throw new IOException("interrupted: this program is being ended");
            }
            Process process = builder.start();
            RUNNING.add(process);
            return process;
        }
    }

    private static void endAll() {
        synchronized (RUNNING) {
            ending = true;
            RUNNING.forEach(Process::destroyForcibly);
        }
    }

    private static String tail(Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            in.skipNBytes(Math.max(0, Files.size(file) - KEPT_OUTPUT_BYTES));
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
