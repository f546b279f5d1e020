package org.phantom4j.comm.nccl;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What the checks on a GPU machine found, a line each, printed last. */
final class GpuTable {

    /** A check. */
    interface Check {
        /** Returns what was found, in a few words. */
        String run() throws Exception;
    }

    private final List<String> lines = new ArrayList<>();
    private boolean failed;

    void check(String name, Check check) {
        System.out.println("... " + name);
        long beganNs = System.nanoTime();
        String verdict;
        try {
            verdict = "pass  " + check.run();
        } catch (Throwable e) {
            e.printStackTrace(System.out);
            failed = true;
            verdict = "FAIL  "
                    + String.valueOf(e.getMessage()).lines().findFirst().orElse("");
        }
        lines.add(String.format(Locale.ROOT, "%-46s %6.2f s  %s", name, (System.nanoTime() - beganNs) / 1e9, verdict));
    }

    /** Prints the table; true if everything passed. */
    boolean print() {
        System.out.println();
        lines.forEach(System.out::println);
        return !failed;
    }
}
