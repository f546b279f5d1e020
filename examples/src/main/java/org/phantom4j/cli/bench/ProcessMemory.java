package org.phantom4j.cli.bench;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import javax.management.JMException;
import javax.management.ObjectName;
import org.phantom4j.layers.train.PeakMemory;

/** Memory and files of this process, as Linux tells them; 0 elsewhere. */
final class ProcessMemory {

    private static final Path OPEN_FILES = Path.of("/proc/self/fd");
    private static final long BYTES_PER_MIB = 1 << 20;

    private ProcessMemory() {}

    /**
     * Gives back what is free: what the collector finds, and what malloc keeps of it. Without this, arrays wait for a
     * collector that a small heap rarely calls, and malloc's free memory lies between blocks in use. Javas other than HotSpot
     * 17.0.9 and newer cannot tell malloc.
     */
    static void giveBack() throws JMException {
        System.gc();
        var server = ManagementFactory.getPlatformMBeanServer();
        var commands = new ObjectName("com.sun.management:type=DiagnosticCommand");
        String trim = "systemTrimNativeHeap";
        boolean can = server.isRegistered(commands)
                && Arrays.stream(server.getMBeanInfo(commands).getOperations())
                        .anyMatch(operation -> operation.getName().equals(trim));
        if (can) {
            server.invoke(commands, trim, new Object[] {new String[0]}, new String[] {String[].class.getName()});
        }
    }

    /** Resident memory that is not shared. */
    static long residentMib() {
        return PeakMemory.status("RssAnon:").orElse(0) / BYTES_PER_MIB;
    }

    static long sharedMib() {
        return PeakMemory.status("RssShmem:").orElse(0) / BYTES_PER_MIB;
    }

    static long openFiles() throws IOException {
        if (!Files.isReadable(OPEN_FILES)) {
            return 0;
        }
        try (var all = Files.list(OPEN_FILES)) {
            return all.count();
        }
    }
}
