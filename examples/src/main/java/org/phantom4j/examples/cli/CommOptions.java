package org.phantom4j.examples.cli;

import java.time.Duration;
import org.apache.commons.cli.Options;

/** The options that say how ranks talk to each other. */
final class CommOptions {

    private static final int DEFAULT_TIMEOUT_S = 60;

    private CommOptions() {}

    static void addTo(Options options) {
        Arguments.option(options, "comm", "NAME", "local (default): ranks are threads of this process");
        Arguments.option(options, "timeout", "SECONDS", "the longest wait of a rank for others (default 60)");
    }

    static Duration timeout(Arguments arguments) {
        String comm = arguments.text("comm", "local");
        if (!comm.equals("local")) {
            throw new UsageException("--comm " + comm + ": expected local");
        }
        return Duration.ofSeconds(arguments.positive("timeout", DEFAULT_TIMEOUT_S));
    }
}
