package org.phantom4j.examples;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.DefaultParser;
import org.apache.commons.cli.Option;
import org.apache.commons.cli.Options;
import org.apache.commons.cli.ParseException;
import org.phantom4j.ops.cuda.GpuInventory;
import org.phantom4j.ops.cuda.fatbin.GpuArchitecture;
import org.phantom4j.ops.cuda.retarget.CompilerChoice;
import org.phantom4j.ops.cuda.retarget.LibraryLocator;
import org.phantom4j.ops.cuda.retarget.RetargetCache;
import org.phantom4j.ops.cuda.retarget.RetargetListener;
import org.phantom4j.ops.cuda.retarget.RetargetedLibrary;
import org.phantom4j.ops.cuda.retarget.Retargeter;

/** {@code retarget}: translates ND4J's CUDA library for a GPU that is newer than it. */
public final class RetargetCommand {
    private static final long BYTES_PER_STEP = 1 << 20;

    private RetargetCommand() {}

    /** Runs the command alone; ends with 1 and a message if it fails, 2 if the arguments are wrong. */
    public static void main(String[] arguments) throws InterruptedException {
        System.exit(run(List.of(arguments), System.out));
    }

    static Options options() {
        return new Options()
                .addOption(
                        option("nd4j-jar", "FILE", "the jar of nd4j-cuda-11.2 for linux-x86_64; else it is looked for"))
                .addOption(option("library", "FILE", "a library in place of a jar"))
                .addOption(option("arch", "ARCH", "such as sm_90 or 9.0; else this machine's GPU"))
                .addOption(option("compiler", "NAME", "ptxas or driver; else ptxas if it is on the PATH"))
                .addOption(option("output", "DIR", "where to write; else the cache that ND4J is started from"))
                .addOption(option("jobs", "N", "modules compiled at a time; else one a core"));
    }

    private static Option option(String name, String argument, String description) {
        return Option.builder()
                .longOpt(name)
                .hasArg()
                .argName(argument)
                .desc(description)
                .build();
    }

    /** {@return the exit code} */
    static int run(List<String> arguments, PrintStream out) throws InterruptedException {
        try {
            CommandLine line = new DefaultParser().parse(options(), arguments.toArray(new String[0]));
            if (!line.getArgList().isEmpty()) {
                throw new ParseException("\"" + line.getArgList().get(0) + "\" is no option of retarget");
            }
            retarget(line, out);
            return 0;
        } catch (ParseException | IllegalArgumentException e) {
            System.err.println("retarget: " + e.getMessage());
            return 2;
        } catch (IOException e) {
            System.err.println("retarget: " + e.getMessage());
            return 1;
        }
    }

    private static void retarget(CommandLine line, PrintStream out)
            throws ParseException, IOException, InterruptedException {
        if (line.hasOption("nd4j-jar") && line.hasOption("library")) {
            throw new ParseException("--nd4j-jar and --library exclude each other");
        }
        Path source = line.hasOption("library") || line.hasOption("nd4j-jar")
                ? Path.of(line.getOptionValue("library", line.getOptionValue("nd4j-jar")))
                : LibraryLocator.nd4jJar();
        GpuArchitecture target = line.hasOption("arch") ? GpuArchitecture.parse(line.getOptionValue("arch")) : ownGpu();
        CompilerChoice choice = CompilerChoice.parse(line.getOptionValue("compiler", "any"));
        int jobs = jobs(line.getOptionValue("jobs"));
        Bar bar = new Bar();
        Retargeter retargeter = Retargeter.create(choice, target, jobs, bar);
        out.printf(
                "translating %s for %s with %s, %d modules at a time%n", source, target, retargeter.compiler(), jobs);
        long startNs = System.nanoTime();
        RetargetedLibrary made;
        try (bar) {
            made = line.hasOption("output")
                    ? retargeter.retarget(source, Path.of(line.getOptionValue("output")))
                    : retargeter.retarget(source, RetargetCache.standard());
        }
        out.printf("%s%n%s, in %.0f s%n", made.file(), made.summary(), (System.nanoTime() - startNs) / 1e9);
    }

    private static int jobs(String text) throws ParseException {
        if (text == null) {
            return Runtime.getRuntime().availableProcessors();
        }
        if (!text.matches("[1-9]\\d{0,3}")) {
            throw new ParseException("--jobs " + text + " is no number from 1 to 9999");
        }
        return Integer.parseInt(text);
    }

    private static GpuArchitecture ownGpu() throws ParseException, InterruptedException {
        Set<GpuArchitecture> found = GpuInventory.query().stream()
                .map(GpuInventory.Gpu::architecture)
                .collect(Collectors.toSet());
        if (found.size() == 1) {
            return found.iterator().next();
        }
        throw new ParseException(
                found.isEmpty()
                        ? "nvidia-smi finds no GPU here: say which with --arch, such as --arch sm_90"
                        : "the GPUs of this machine differ " + found + ": choose with --arch");
    }

    /** Shows the way and the time left. */
    private static final class Bar implements RetargetListener, AutoCloseable {
        private Optional<ProgressBar> bar = Optional.empty();
        private long bytes;

        @Override
        public void started(String compiler, int modules, long ptxBytes) {
            bar = Optional.of(new ProgressBarBuilder()
                    .setTaskName(modules + " modules")
                    .setInitialMax(ptxBytes / BYTES_PER_STEP)
                    .setUpdateIntervalMillis(1000)
                    .build());
        }

        @Override
        public void translated(long ptxBytes, int level, boolean resumed) {
            bytes += ptxBytes;
            bar.ifPresent(shown -> shown.stepTo(bytes / BYTES_PER_STEP));
        }

        @Override
        public void close() {
            bar.ifPresent(ProgressBar::close);
        }
    }
}
