package org.phantom4j.examples.bench;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import javax.management.JMException;
import javax.management.ObjectName;

/** Memory and files of this process, as Linux tells them; 0 elsewhere. */
final class ProcessMemory {

    private static final Path SELF = Path.of("/proc/self");
    private static final long KIB_PER_MIB = 1024;

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
    static long residentMib() throws IOException {
        return statusMib("RssAnon:");
    }

    static long sharedMib() throws IOException {
        return statusMib("RssShmem:");
    }

    private static long statusMib(String name) throws IOException {
        Path status = SELF.resolve("status");
        if (!Files.isReadable(status)) {
            return 0;
        }
        return Files.readAllLines(status).stream()
                .filter(line -> line.startsWith(name))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) / KIB_PER_MIB)
                .findFirst()
                .orElse(0);
    }

    static long openFiles() throws IOException {
        Path files = SELF.resolve("fd");
        if (!Files.isReadable(files)) {
            return 0;
        }
        try (var all = Files.list(files)) {
            return all.count();
        }
    }
}
