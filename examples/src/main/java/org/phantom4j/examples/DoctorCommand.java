package org.phantom4j.examples;

import java.io.IOException;
import java.io.PrintStream;
import java.util.List;
import org.phantom4j.ops.cuda.Doctor;

/** {@code doctor}: what of this machine ND4J can use, and what to do about the rest. */
public final class DoctorCommand {
    private DoctorCommand() {}

    /** Runs the command alone. */
    public static void main(String[] arguments) throws InterruptedException {
        System.exit(run(List.of(arguments), System.out));
    }

    /** {@return the exit code: 0 if it could look, whatever it found} */
    static int run(List<String> arguments, PrintStream out) throws InterruptedException {
        if (!arguments.isEmpty()) {
            System.err.println("doctor: it has no options, and \"" + arguments.get(0) + "\" was given");
            return 2;
        }
        try {
            Doctor.Report report = Doctor.examine();
            report.found().forEach(out::println);
            out.println();
            report.advice().forEach(out::println);
            if (report.advice().isEmpty()) {
                out.println("Nothing stands in the way.");
            }
            return 0;
        } catch (IOException e) {
            System.err.println("doctor: " + e.getMessage());
            return 1;
        }
    }
}
