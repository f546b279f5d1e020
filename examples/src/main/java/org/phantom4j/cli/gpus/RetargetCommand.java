package org.phantom4j.cli.gpus;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.Options;
import org.phantom4j.cli.frame.Arguments;
import org.phantom4j.cli.frame.Command;
import org.phantom4j.cli.frame.UsageException;
import org.phantom4j.ops.cuda.GpuInventory;
import org.phantom4j.ops.cuda.fatbin.BinaryFormatException;
import org.phantom4j.ops.cuda.fatbin.GpuArchitecture;
import org.phantom4j.ops.cuda.retarget.RetargetedLibraries;
import org.phantom4j.ops.cuda.retarget.Retargeter;
import org.phantom4j.ops.cuda.retarget.compile.CompilerChoice;
import org.phantom4j.ops.cuda.retarget.library.LibraryLocator;
import org.phantom4j.ops.cuda.retarget.library.RetargetCache;
import org.phantom4j.ops.cuda.retarget.library.RetargetedLibrary;

/** {@code phantom retarget}: translates ND4J's CUDA library for a GPU that is newer than it. */
public final class RetargetCommand implements Command {

    @Override
    public String name() {
        return "retarget";
    }

    @Override
    public String summary() {
        return "Translates ND4J's CUDA library for a GPU that is newer than it.";
    }

    @Override
    public boolean needsBackend() {
        return false;
    }

    @Override
    public Options options() {
        Options options = new Options();
        Arguments.option(
                options, "nd4j-jar", "FILE", "the jar of nd4j-cuda-11.2 for linux-x86_64 (default: it is looked for)");
        Arguments.option(options, "library", "FILE", "a shared library, in place of a jar");
        Arguments.option(options, "arch", "ARCH", "such as sm_90 or 9.0 (default: this machine's GPU)");
        Arguments.option(options, "compiler", "NAME", "ptxas, driver or any (default: ptxas if it is on the PATH)");
        Arguments.option(
                options,
                "level",
                "N",
                "the highest optimisation level, 3 to 0 (default: 2 for ptxas, its fast compilation; 3 for driver)");
        Arguments.option(options, "output", "DIR", "where to write (default: the cache that ND4J is started from)");
        Arguments.option(options, "jobs", "N", "modules compiled at a time (default: one a core)");
        return options.addOption(
                null,
                "automatic",
                false,
                "says how a program translates by itself at its first start, with the property "
                        + RetargetedLibraries.MODE + "=automatic");
    }

    @Override
    public int run(CommandLine line) throws Exception {
        Arguments arguments = new Arguments(line);
        if (arguments.has("automatic")) {
            return explainAutomatic(line);
        }
        Path source = source(arguments);
        GpuArchitecture target = arguments.has("arch") ? architecture(arguments.text("arch", "")) : ownGpu();
        CompilerChoice choice = arguments.choice("compiler", CompilerChoice.class, CompilerChoice.ANY);
        OptionalInt level = level(arguments);
        int jobs = arguments.positive("jobs", Runtime.getRuntime().availableProcessors());
        Path output = arguments.has("output") ? folder(arguments.text("output", "")) : null;
        RetargetProgress progress = new RetargetProgress();
        Retargeter retargeter = Retargeter.create(choice, target, level, jobs, progress);
        System.out.printf(
                "translating %s for %s with %s, %d modules at a time%n", source, target, retargeter.compiler(), jobs);
        long startNs = System.nanoTime();
        RetargetedLibrary made;
        try (progress) {
            made = output == null
                    ? retargeter.retarget(source, RetargetCache.standard())
                    : retargeter.retarget(source, output);
        } catch (BinaryFormatException e) {
            throw new UsageException(e.getMessage(), e);
        }
        System.out.printf("%s%n%s, in %.0f s%n", made.file(), made.summary(), (System.nanoTime() - startNs) / 1e9);
        return Command.OK;
    }

    private static int explainAutomatic(CommandLine line) {
        if (line.getOptions().length > 1) {
            throw new UsageException("--automatic translates nothing now, and goes with no other option");
        }
        System.out.printf(
                "Start your program with -D%s=automatic: where ND4J's CUDA library has no kernels for the GPU, the first"
                        + " start translates it, as this command does, into %s, and later starts find it there.%n",
                RetargetedLibraries.MODE, RetargetCache.standard().root());
        return Command.OK;
    }

    /** The library or jar, found to be one before a compiler is looked for. */
    private static Path source(Arguments arguments) throws IOException {
        if (arguments.has("nd4j-jar") && arguments.has("library")) {
            throw new UsageException("--nd4j-jar and --library exclude each other");
        }
        String option = arguments.has("library") ? "library" : "nd4j-jar";
        if (!arguments.has(option)) {
            return LibraryLocator.nd4jJar();
        }
        Path source = Path.of(arguments.text(option, ""));
        try {
            Retargeter.checkSource(source);
            return source;
        } catch (IOException e) {
            throw new UsageException("--" + option + " " + e.getMessage(), e);
        }
    }

    private static OptionalInt level(Arguments arguments) {
        if (!arguments.has("level")) {
            return OptionalInt.empty();
        }
        String text = arguments.text("level", "");
        if (!text.matches("[0-3]")) {
            throw new UsageException("--level " + text + ": expected 3, 2, 1 or 0");
        }
        return OptionalInt.of(Integer.parseInt(text));
    }

    private static Path folder(String name) {
        Path folder = Path.of(name);
        if (Files.exists(folder) && !Files.isDirectory(folder)) {
            throw new UsageException("--output " + name + ": expected a folder, this is a file");
        }
        return folder;
    }

    private static GpuArchitecture architecture(String text) {
        try {
            return GpuArchitecture.parse(text);
        } catch (IllegalArgumentException e) {
            throw new UsageException("--arch " + text + ": expected one like sm_90 or 9.0", e);
        }
    }

    private static GpuArchitecture ownGpu() throws InterruptedException {
        Set<GpuArchitecture> found = GpuInventory.query().stream()
                .map(GpuInventory.Gpu::architecture)
                .collect(Collectors.toCollection(TreeSet::new));
        if (found.size() == 1) {
            return found.iterator().next();
        }
        throw new UsageException(
                found.isEmpty()
                        ? "nvidia-smi finds no GPU here: say which with --arch, such as --arch sm_90"
                        : "the GPUs of this machine differ " + found + ": choose with --arch");
    }
}
