package org.phantom4j.comm.world;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Options by which a Java process opens a port for debuggers and monitors: two processes cannot open the same. Each rank gets
 * ports of its own, a step further than the launcher's for each rank.
 */
final class DebugPorts {

    /** Between two processes' ports: there can be several of each. */
    static final int STEP = 10;

    private static final int LAST_PORT = 65535;
    private static final Pattern DEBUGGER = Pattern.compile("-agentlib:jdwp=.*|-Xrunjdwp:.*");
    private static final Pattern ADDRESS = Pattern.compile("(?<=[=,]address=)((?:[^,]*:)?)(\\d+)(?=,|$)");
    private static final Pattern MONITOR =
            Pattern.compile("(-Dcom\\.sun\\.management\\.jmxremote\\.(?:rmi\\.)?port=)(\\d+)");

    private DebugPorts() {}

    /** A command with ports of a rank's own in the place of the launcher's. */
    static List<String> forRank(List<String> command, int rank) {
        List<String> own = new ArrayList<>();
        for (String word : command) {
            String changed = change(word, STEP * (rank + 1));
            if (changed != null) {
                own.add(changed);
            }
        }
        return own;
    }

    /** Null for an option that only one process can have. */
    private static String change(String word, int further) {
        Matcher monitor = MONITOR.matcher(word);
        if (monitor.matches()) {
            return shifted(monitor, monitor.group(1), further);
        }
        if (!DEBUGGER.matcher(word).matches()) {
            return word;
        }
        if (!word.contains("server=y")) {
            // the debugger that listens has the launcher
            return null;
        }
        Matcher address = ADDRESS.matcher(word);
        if (!address.find()) {
            // a port that the system chooses
            return word;
        }
        String moved = shifted(address, address.group(1), further);
        return moved == null ? null : word.substring(0, address.start()) + moved + word.substring(address.end());
    }

    private static String shifted(Matcher matcher, String before, int further) {
        int port = Integer.parseInt(matcher.group(2));
        if (port == 0) {
            return before + port;
        }
        return port + further > LAST_PORT ? null : before + (port + further);
    }
}
