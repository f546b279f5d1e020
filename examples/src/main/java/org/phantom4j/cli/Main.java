package org.phantom4j.cli;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.DefaultParser;
import org.apache.commons.cli.HelpFormatter;
import org.apache.commons.cli.Options;
import org.apache.commons.cli.ParseException;
import org.apache.commons.cli.UnrecognizedOptionException;
import org.phantom4j.cli.bench.BenchCommCommand;
import org.phantom4j.cli.bench.BenchSoakCommand;
import org.phantom4j.cli.bench.BenchStepCommand;
import org.phantom4j.cli.frame.Command;
import org.phantom4j.cli.frame.UsageException;
import org.phantom4j.cli.gpus.DoctorCommand;
import org.phantom4j.cli.gpus.RetargetCommand;
import org.phantom4j.cli.train.CompareCommand;
import org.phantom4j.cli.train.PredictCommand;
import org.phantom4j.cli.train.TrainCommand;
import org.phantom4j.cli.verify.VerifyCommand;
import org.phantom4j.data.DataException;
import org.phantom4j.data.NearName;

/**
 * The program behind {@code ./phantom}. Exit status: 0 for success, 1 for a failure, 2 for a command line or data that
 * cannot be used.
 */
public final class Main {

    private static final int HELP_WIDTH = 100;

    private static final List<Command> COMMANDS = List.of(
            new TrainCommand(),
            new PredictCommand(),
            new CompareCommand(),
            new VerifyCommand(),
            new BenchCommCommand(),
            new BenchSoakCommand(),
            new BenchStepCommand(true),
            new BenchStepCommand(false),
            new RetargetCommand(),
            new DoctorCommand());

    private Main() {}

    /** Runs a command and exits. */
    public static void main(String[] args) {
        int status = run(args);
        System.out.flush();
        System.exit(status);
    }

    /** Runs a command and returns the exit status. */
    static int run(String... args) {
        if (args.length == 0 || args[0].equals("--help") || args[0].equals("help")) {
            System.out.println(overview());
            return args.length == 0 ? Command.USAGE : Command.OK;
        }
        Command command = COMMANDS.stream()
                .filter(each -> words(each)
                        .equals(List.of(args)
                                .subList(0, Math.min(args.length, words(each).size()))))
                .findFirst()
                .orElse(null);
        if (command == null) {
            return fail(Command.USAGE, "'" + args[0] + "' is no command: use " + names() + near(args));
        }
        return run(command, Arrays.copyOfRange(args, words(command).size(), args.length));
    }

    private static List<String> words(Command command) {
        return List.of(command.name().split(" "));
    }

    private static int run(Command command, String[] args) {
        Options options = command.options().addOption(null, "help", false, "show this help");
        if (Arrays.asList(args).contains("--help")) {
            PrintWriter out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
            HelpFormatter formatter = new HelpFormatter();
            formatter.setOptionComparator(null);
            formatter.printHelp(
                    out, HELP_WIDTH, "phantom " + command.name() + " [options]", command.summary(), options, 2, 2, "");
            out.flush();
            return Command.OK;
        }
        try {
            CommandLine line = new DefaultParser(false).parse(options, args);
            if (!line.getArgList().isEmpty()) {
                throw new UsageException("unexpected '" + line.getArgList().get(0) + "': options start with --");
            }
            if (command.needsBackend()) {
                Nd4jBackends.requireOne();
            }
            return command.run(line);
        } catch (UnrecognizedOptionException e) {
            List<String> known = options.getOptions().stream()
                    .map(option -> "--" + option.getLongOpt())
                    .toList();
            String option = e.getOption().replaceFirst("=.*", "");
            return fail(
                    Command.USAGE,
                    e.getMessage() + NearName.hint(option, known) + "; phantom " + command.name()
                            + " --help lists the options");
        } catch (ParseException e) {
            return fail(Command.USAGE, e.getMessage() + "; phantom " + command.name() + " --help lists the options");
        } catch (UsageException | DataException e) {
            return fail(Command.USAGE, e.getMessage());
        } catch (Exception e) {
            return fail(Command.FAILURE, describe(e));
        } catch (LinkageError e) {
            return fail(Command.FAILURE, Nd4jBackends.explain(e));
        } catch (OutOfMemoryError e) {
            return fail(
                    Command.FAILURE,
                    "out of memory: " + e.getMessage() + "; use a smaller width, batch or number of layers");
        }
    }

    private static String describe(Throwable failure) {
        if (Boolean.getBoolean("phantom.trace")) {
            failure.printStackTrace();
        }
        String message = failure.getMessage();
        return message == null || message.isBlank() ? failure.toString() : message;
    }

    private static int fail(int status, String message) {
        System.err.println("phantom: " + message.lines().collect(Collectors.joining(" ")));
        return status;
    }

    /** The command that was most likely meant, of one word or of two. */
    private static String near(String... args) {
        List<String> names = COMMANDS.stream().map(Command::name).toList();
        String two = args.length > 1 ? args[0] + " " + args[1] : args[0];
        String hint = NearName.hint(two, names);
        return hint.isEmpty() ? NearName.hint(args[0], names) : hint;
    }

    private static String names() {
        return COMMANDS.stream().map(Command::name).collect(Collectors.joining(", "));
    }

    private static String overview() {
        return "phantom4j: phantom parallelism for Deeplearning4j\n\nUsage: phantom COMMAND [options]\n\n"
                + COMMANDS.stream()
                        .map(command -> String.format("  %-11s %s%n", command.name(), command.summary()))
                        .collect(Collectors.joining())
                + "\nphantom COMMAND --help lists a command's options.";
    }
}
