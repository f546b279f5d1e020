package org.phantom4j.comm.world;

import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Which machine this process is on, as far as sharing memory goes: two containers of one host are two machines. */
final class Machine {

    private static final Path BOOT = Path.of("/proc/sys/kernel/random/boot_id");
    private static final Path NAMESPACE = Path.of("/proc/self/ns/mnt");

    private Machine() {}

    static String id() {
        try {
            return Files.readString(BOOT).trim() + " " + Files.readSymbolicLink(NAMESPACE);
        } catch (IOException e) {
            return hostName();
        }
    }

    static String hostName() {
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            return "unknown";
        }
    }
}
