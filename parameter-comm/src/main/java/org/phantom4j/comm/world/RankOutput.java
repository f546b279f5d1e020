package org.phantom4j.comm.world;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * The output of all ranks in one place: whole lines, each with the rank before it, and the line that a rank writes over and
 * over to show its progress. Thread-safe: each stream of each rank has a thread that copies it.
 */
final class RankOutput {

    /** Of a line of progress, at most: what every terminal shows in one line. */
    private static final int COLUMNS = 79;

    /** Begins the line that says why a command has failed. */
    private static final String FAILURE = "phantom: ";

    private final PrintStream out;
    private final PrintStream err;
    private final String[] lastErrors;

    /** The last line of a rank that ends with a failure, until it is known whether another rank says the same; null without one. */
    private final String[] held;

    /** Where a line of progress stands that the next output must remove; null if there is none. */
    private PrintStream progressTarget;

    private int progressLength;

    RankOutput(int ranks, PrintStream out, PrintStream err) {
        this.lastErrors = new String[ranks];
        this.held = new String[ranks];
        this.out = out;
        this.err = err;
    }

    /** The last line that a rank wrote to its standard error; null if there is none. */
    synchronized String lastError(int rank) {
        return lastErrors[rank];
    }

    /** Copies a stream to its end. */
    void copy(int rank, InputStream stream, boolean isError) {
        try (BufferedReader reader = new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8))) {
            StringBuilder text = new StringBuilder();
            boolean returned = false;
            for (int next = reader.read(); next >= 0; next = reader.read()) {
                if (returned && next != '\n') {
                    progress(rank, text.toString(), isError);
                    text.setLength(0);
                }
                returned = next == '\r';
                if (next == '\n') {
                    line(rank, text.toString(), isError);
                    text.setLength(0);
                } else if (!returned) {
                    text.append((char) next);
                }
            }
            if (!text.isEmpty()) {
                line(rank, text.toString(), isError);
            }
        } catch (IOException e) {
            line(rank, "(output lost: " + e.getMessage() + ")", isError);
        }
    }

    private synchronized void line(int rank, String text, boolean isError) {
        if (isError && !text.isBlank()) {
            lastErrors[rank] = text;
        }
        print(rank);
        if (isError && text.startsWith(FAILURE)) {
            held[rank] = text;
        } else {
            removeProgress();
            (isError ? err : out).println("[" + rank + "] " + text);
        }
    }

    private void print(int rank) {
        if (held[rank] != null) {
            removeProgress();
            err.println("[" + rank + "] " + held[rank]);
            held[rank] = null;
        }
    }

    /**
     * Prints what was held back, but for what tells the same failure as a message that is printed anyway. Called when all ranks
     * have ended.
     */
    synchronized void release(String told) {
        for (int rank = 0; rank < held.length; rank++) {
            if (held[rank] != null && isSame(held[rank], told)) {
                held[rank] = null;
            }
            print(rank);
        }
        removeProgress();
    }

    /** Ranks that hear of one failure differ in what they were doing, and in how a connection to what died has ended. */
    private static boolean isSame(String one, String other) {
        return !other.isEmpty() && (one.contains(cause(other)) || other.contains(cause(one)));
    }

    private static String cause(String line) {
        String cause = line.startsWith(FAILURE) ? line.substring(FAILURE.length()) : line;
        for (String end : List.of(" [rank ", ": its connection ended")) {
            int at = cause.indexOf(end);
            cause = at < 0 ? cause : cause.substring(0, at);
        }
        return cause;
    }

    private synchronized void progress(int rank, String text, boolean isError) {
        if (text.isBlank()) {
            return;
        }
        removeProgress();
        String shown = "[" + rank + "] " + text;
        // a line that a terminal breaks could not be removed
        shown = shown.substring(0, Math.min(shown.length(), COLUMNS));
        progressTarget = isError ? err : out;
        progressLength = shown.length();
        progressTarget.print(shown);
        progressTarget.flush();
    }

    private void removeProgress() {
        if (progressTarget != null) {
            progressTarget.print("\r" + " ".repeat(progressLength) + "\r");
            progressTarget.flush();
            progressTarget = null;
        }
    }
}
