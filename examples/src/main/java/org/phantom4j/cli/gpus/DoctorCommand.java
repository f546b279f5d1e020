package org.phantom4j.cli.gpus;

import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.Options;
import org.phantom4j.cli.frame.Command;
import org.phantom4j.ops.cuda.Doctor;

/** {@code phantom doctor}: what of this machine ND4J can use, and what to do about the rest. */
public final class DoctorCommand implements Command {

    @Override
    public String name() {
        return "doctor";
    }

    @Override
    public String summary() {
        return "Says which GPUs ND4J can use here, and what to do about the others.";
    }

    @Override
    public boolean needsBackend() {
        return false;
    }

    @Override
    public Options options() {
        return new Options();
    }

    /** Succeeds if it could look, whatever it found. */
    @Override
    public int run(CommandLine line) throws Exception {
        Doctor.Report report = Doctor.examine();
        report.found().forEach(System.out::println);
        System.out.println();
        report.advice().forEach(System.out::println);
        if (report.advice().isEmpty()) {
            System.out.println("Nothing stands in the way.");
        }
        return Command.OK;
    }
}
