package org.phantom4j.layers.train;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;

/** The peak of this process's resident memory, where the operating system tells it (Linux). */
public final class PeakMemory {

    private static final Path STATUS = Path.of("/proc/self/status");
    private static final Path CLEAR = Path.of("/proc/self/clear_refs");

    private PeakMemory() {}

    /** The peak since the process started or since {@link #reset()}, in bytes; empty where it is not known. */
    public static OptionalLong bytes() {
        return status("VmHWM:");
    }

    /** The resident memory now, in bytes; empty where it is not known. */
    public static OptionalLong currentBytes() {
        return status("VmRSS:");
    }

    /** Starts a new peak; false where the system does not allow it. */
    public static boolean reset() {
        try {
            Files.writeString(CLEAR, "5");
            return true;
        } catch (IOException | SecurityException e) {
            return false;
        }
    }

    /** A line of this process's status, like "RssAnon:", in bytes; empty where the system does not tell. */
    public static OptionalLong status(String key) {
        try {
            return Files.readAllLines(STATUS).stream()
                    .filter(line -> line.startsWith(key))
                    .mapToLong(line -> 1024 * Long.parseLong(line.replaceAll("\\D", "")))
                    .findFirst();
        } catch (IOException | SecurityException e) {
            return OptionalLong.empty();
        }
    }
}
