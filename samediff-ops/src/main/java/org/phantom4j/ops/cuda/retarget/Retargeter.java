package org.phantom4j.ops.cuda.retarget;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.Stream;
import org.phantom4j.ops.cuda.fatbin.BinaryFormatException;
import org.phantom4j.ops.cuda.fatbin.ByteSource;
import org.phantom4j.ops.cuda.fatbin.ElfSection;
import org.phantom4j.ops.cuda.fatbin.FatBinary;
import org.phantom4j.ops.cuda.fatbin.FatBinaryEntry;
import org.phantom4j.ops.cuda.fatbin.GpuArchitecture;
import org.phantom4j.ops.cuda.fatbin.ImageKind;
import org.phantom4j.ops.cuda.retarget.compile.CompilerChoice;
import org.phantom4j.ops.cuda.retarget.compile.ModuleCompiler;
import org.phantom4j.ops.cuda.retarget.compile.ModuleStore;
import org.phantom4j.ops.cuda.retarget.compile.PtxCompiler;
import org.phantom4j.ops.cuda.retarget.library.LibraryId;
import org.phantom4j.ops.cuda.retarget.library.LibraryInput;
import org.phantom4j.ops.cuda.retarget.library.LibraryWriter;
import org.phantom4j.ops.cuda.retarget.library.RetargetCache;
import org.phantom4j.ops.cuda.retarget.library.RetargetException;
import org.phantom4j.ops.cuda.retarget.library.RetargetedLibrary;

/**
 * Translates a CUDA library: compiles the PTX of each of its fat binaries for one architecture and writes a
 * library whose fat binaries hold the result.
 *
 * <p>What was compiled is kept until the library is complete, so an interrupted run goes on where it was. Only
 * one run at a time works in a folder. An instance may be used again.
 */
public final class Retargeter {
    private static final Duration MODULE_LIMIT = Duration.ofMinutes(30);
    private static final long LOCK_RETRY_MS = 100;

    private final PtxCompiler compiler;
    private final GpuArchitecture target;
    private final int level;
    private final int jobs;
    private final RetargetListener listener;

    /** @param level the highest optimisation level */
    Retargeter(PtxCompiler compiler, GpuArchitecture target, int level, int jobs, RetargetListener listener) {
        if (jobs < 1) {
            throw new IllegalArgumentException(jobs + " jobs: at least 1 is needed");
        }
        if (level < 0) {
            throw new IllegalArgumentException("level " + level + ": at least 0 is needed");
        }
        this.compiler = compiler;
        this.target = target;
        this.level = level;
        this.jobs = jobs;
        this.listener = listener;
    }

    /**
     * Makes a retargeter.
     *
     * @param compiler which compiler to use
     * @param target   the architecture to translate for
     * @param level    the highest optimisation level, 3 to 0; empty for the compiler's usual one
     * @param jobs     modules compiled at a time, each in a process of its own
     * @param listener hears how it goes
     * @throws RetargetException if there is no such compiler here
     */
    public static Retargeter create(
            CompilerChoice compiler, GpuArchitecture target, OptionalInt level, int jobs, RetargetListener listener)
            throws IOException, InterruptedException {
        PtxCompiler found = compiler.find();
        return new Retargeter(found, target, level.orElse(found.usualLevel()), jobs, listener);
    }

    /**
     * Looks, without reading it all, whether a file is a library with CUDA kernels, or a jar that holds ND4J's.
     *
     * @throws IOException if it is not; the message names the file
     */
    public static void checkSource(Path source) throws IOException {
        LibraryInput.check(source);
    }

    /** {@return the name and version of the compiler, and the optimisation level it is to start at} */
    public String compiler() {
        return compiler.version() + "-O" + level;
    }

    /**
     * Translates a library into the cache, unless that has been done.
     *
     * @param source the library, or a jar of ND4J's that holds it; never changed
     * @throws RetargetException if it cannot be done; the message says why and what to do
     */
    public RetargetedLibrary retarget(Path source, RetargetCache cache) throws IOException, InterruptedException {
        return retarget(source, cache, Duration.ZERO);
    }

    /**
     * The same, for processes that start together: where another run is translating into the same folder, waits for it, and
     * finds what it made.
     *
     * @param patience the longest wait
     */
    public RetargetedLibrary retarget(Path source, RetargetCache cache, Duration patience)
            throws IOException, InterruptedException {
        return retarget(source, cache.root(), id -> cache.folder(id, target, compiler()), patience);
    }

    /** Translates a library into a folder other than its own, unless that has been done. */
    public RetargetedLibrary retarget(Path source, Path folder) throws IOException, InterruptedException {
        return retarget(source, folder, id -> folder, Duration.ZERO);
    }

    private RetargetedLibrary retarget(Path source, Path scratch, Function<LibraryId, Path> folder, Duration patience)
            throws IOException, InterruptedException {
        Files.createDirectories(scratch);
        try (LibraryInput input = LibraryInput.open(source, scratch)) {
            return retarget(input, folder.apply(input.id()).toAbsolutePath(), patience);
        } catch (BinaryFormatException e) {
            throw e.in(source);
        }
    }

    private RetargetedLibrary retarget(LibraryInput input, Path folder, Duration patience)
            throws IOException, InterruptedException {
        Path destination = folder.resolve(input.name());
        if (Files.exists(destination) && Files.isSameFile(destination, input.file())) {
            throw new RetargetException("in the folder " + folder + " the translation of " + input.name()
                    + " would take the original's place: choose another");
        }
        Files.createDirectories(folder);
        try (FileChannel lockFile =
                        FileChannel.open(folder.resolve(".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                ByteSource original = ByteSource.open(input.file())) {
            lock(lockFile, folder, patience);
            deleteParts(folder);
            // of this target and compiler alone: a run with others may have been interrupted in this folder
            Path modules = Files.createDirectories(folder.resolve("modules-" + target + "-" + compiler()));
            RetargetedLibrary earlier = RetargetedLibrary.read(folder);
            if (earlier == null || !isSame(earlier, input) || !earlier.isIntact()) {
                Map<Integer, Integer> levels = translate(original, input, destination, new ModuleStore(modules));
                long checksum = RetargetedLibrary.checksum(destination);
                earlier = new RetargetedLibrary(destination, checksum, input.id(), target, compiler(), levels);
                earlier.write();
            }
            delete(modules);
            return earlier;
        }
    }

    private boolean isSame(RetargetedLibrary earlier, LibraryInput input) {
        return earlier.original().equals(input.id())
                && earlier.target().equals(target)
                && earlier.compiler().equals(compiler());
    }

    /** Locks a folder until its lock file is closed. */
    private void lock(FileChannel file, Path folder, Duration patience) throws IOException, InterruptedException {
        if (tryLock(file)) {
            return;
        }
        long beganNs = System.nanoTime();
        if (!patience.isZero()) {
            listener.waiting(folder);
        }
        while (!tryLock(file)) {
            if (System.nanoTime() - beganNs >= patience.toNanos()) {
                throw new RetargetException("another run is translating into " + folder + ": wait for it, or end it");
            }
            Thread.sleep(LOCK_RETRY_MS);
        }
    }

    private static boolean tryLock(FileChannel file) throws IOException {
        try {
            return file.tryLock() != null;
        } catch (OverlappingFileLockException e) {
            // held by this virtual machine: the same to the caller
            return false;
        }
    }

    private Map<Integer, Integer> translate(
            ByteSource original, LibraryInput input, Path destination, ModuleStore store)
            throws IOException, InterruptedException {
        List<ElfSection> sections = FatBinary.sections(original);
        List<Module> modules = new ArrayList<>();
        for (ElfSection section : sections) {
            for (FatBinary container : FatBinary.read(original, section)) {
                if (!container.entries().isEmpty()) {
                    modules.add(new Module(container, ptx(container, input)));
                }
            }
        }
        if (modules.isEmpty()) {
            throw new RetargetException(input.name() + " holds no CUDA kernels: is it ND4J's CUDA library?");
        }
        ModuleCompiler moduleCompiler = new ModuleCompiler(compiler, target, level, MODULE_LIMIT);
        moduleCompiler.probe(store.folder());
        listener.started(
                compiler(),
                modules.size(),
                modules.stream()
                        .mapToLong(module -> module.ptx.uncompressedBytes())
                        .sum());
        try (LibraryWriter writer = LibraryWriter.create(original, sections, destination.getParent())) {
            Map<Integer, Integer> levels = compileAll(original, modules, moduleCompiler, store, writer);
            // what describes an earlier translation would not be true of this one
            Files.deleteIfExists(destination.resolveSibling(RetargetedLibrary.DESCRIPTION));
            writer.finish(original, sections, destination);
            return levels;
        }
    }

    /** A container and the PTX in it that is to be compiled. */
    private record Module(FatBinary container, FatBinaryEntry ptx) {}

    /** A module's kernels, and whether an earlier run had compiled them. */
    private record Translation(Module module, ModuleCompiler.Compiled compiled, boolean resumed) {}

    private FatBinaryEntry ptx(FatBinary container, LibraryInput input) throws RetargetException {
        if (container.entries().stream()
                .anyMatch(entry -> entry.kind() == ImageKind.CUBIN && target.runs(entry.architecture()))) {
            throw new RetargetException(
                    input.name() + " holds kernels that run on " + target + " as it is: no translation is needed");
        }
        return container
                .ptxFor(target)
                .orElseThrow(() -> new RetargetException(String.format(
                        "%s holds no PTX that %s can run (fat binary at offset 0x%x): ND4J 1.0.0-M1.1's nd4j-cuda-11.2"
                                + " is the newest release that does",
                        input.name(), target, container.offset())));
    }

    private Map<Integer, Integer> compileAll(
            ByteSource original, List<Module> modules, ModuleCompiler compiler, ModuleStore store, LibraryWriter writer)
            throws IOException, InterruptedException {
        // the longest first, so that none is left to run alone at the end
        modules.sort((a, b) -> Long.compare(b.ptx.uncompressedBytes(), a.ptx.uncompressedBytes()));
        Map<Integer, Integer> levels = new TreeMap<>();
        ExecutorService threads = Executors.newFixedThreadPool(jobs);
        try {
            ExecutorCompletionService<Translation> running = new ExecutorCompletionService<>(threads);
            for (Module module : modules) {
                running.submit(() -> compile(original, module, compiler, store));
            }
            for (int i = 0; i < modules.size(); i++) {
                Translation done = running.take().get();
                writer.replace(done.module.container, done.compiled.container());
                levels.merge(done.compiled.level(), 1, Integer::sum);
                listener.translated(done.module.ptx.uncompressedBytes(), done.compiled.level(), done.resumed);
            }
            return levels;
        } catch (ExecutionException e) {
            if (e.getCause() instanceof IOException cause) {
                throw cause;
            }
            throw new IllegalStateException("a module failed in a way that is not foreseen", e.getCause());
        } finally {
            // interrupts the threads, which end their compilers
            threads.shutdownNow();
            threads.awaitTermination(10, TimeUnit.SECONDS);
        }
    }

    private Translation compile(ByteSource original, Module module, ModuleCompiler compiler, ModuleStore store)
            throws IOException, InterruptedException {
        byte[] ptx = module.ptx.image(original);
        Optional<ModuleCompiler.Compiled> stored = store.find(ptx);
        if (stored.isPresent()) {
            return new Translation(module, stored.get(), true);
        }
        String name = String.format("the module at offset 0x%x", module.ptx.offset());
        ModuleCompiler.Compiled compiled = compiler.compile(ptx, name, store.folder());
        store.put(ptx, compiled);
        return new Translation(module, compiled, false);
    }

    /** Deletes what a run that was killed left behind. */
    private static void deleteParts(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file :
                    files.filter(file -> file.toString().endsWith(".partial")).toList()) {
                Files.delete(file);
            }
        }
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(folder);
    }
}
