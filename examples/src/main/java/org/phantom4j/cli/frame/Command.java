package org.phantom4j.cli.frame;

import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.Options;

/** One command of the command line. */
public interface Command {

    /** Exit status of success. */
    int OK = 0;

    /** Exit status of a failure. */
    int FAILURE = 1;

    /** Exit status of a command line or data that cannot be used. */
    int USAGE = 2;

    /** Name of the class whose main method runs commands: what a command starts to run in another process. */
    String MAIN = "org.phantom4j.cli.Main";

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
