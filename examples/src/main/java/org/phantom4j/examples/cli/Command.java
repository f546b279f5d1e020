package org.phantom4j.examples.cli;

import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.Options;

/** One command of the command line. */
interface Command {

    /** Its name. */
    String name();

    /** What it does, in one line. */
    String summary();

    /** Its options, without {@code --help}. */
    Options options();

    /** Whether it computes with ND4J, and so needs one of its backends. */
    default boolean needsBackend() {
        return true;
    }

    /**
     * Runs it.
     *
     * @return the exit status: 0 for success
     * @throws UsageException if an option's value cannot be used
     * @throws Exception any other failure
     */
    int run(CommandLine line) throws Exception;
}
