package org.phantom4j.ops.cuda.retarget;

import java.io.IOException;
import java.net.JarURLConnection;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.SortedSet;
import java.util.function.Supplier;
import java.util.jar.JarEntry;
import org.phantom4j.ops.cuda.fatbin.GpuArchitecture;
import org.phantom4j.ops.cuda.retarget.compile.CompilerChoice;
import org.phantom4j.ops.cuda.retarget.library.LibraryInput;
import org.phantom4j.ops.cuda.retarget.library.RetargetCache;
import org.phantom4j.ops.cuda.retarget.library.RetargetException;
import org.phantom4j.ops.cuda.retarget.library.RetargetedLibrary;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Decides which library ND4J is to start with; knows nothing of how GPUs are asked or libraries loaded. */
final class StartLibrary {
    private static final Set<String> MODES = Set.of("", "automatic", "off");

    /** The newest major version that the released CUDA libraries of ND4J, up to 1.0.0-M2.1, hold kernels for. */
    private static final int NEWEST_MAJOR_OF_ND4J = 8;

    /** For a process that translates already, which takes 35 minutes of one processor at the highest level. */
    private static final Duration PATIENCE = Duration.ofHours(2);

    private static final Logger LOG = LoggerFactory.getLogger(StartLibrary.class);

    private StartLibrary() {}

    /**
     * Finds the translated library, or makes it if the mode says so.
     *
     * @param mode the value of {@link RetargetedLibraries#MODE}
     * @param jar  where ND4J's own library is; empty if there is none, which needs nothing
     * @param gpus asked for only if it matters
     * @return nothing if ND4J's own library is to be used
     * @throws RetargetException if ND4J cannot run on these GPUs as it is; the message says what to do
     */
    static Optional<RetargetedLibrary> find(
            String mode, Optional<JarURLConnection> jar, Supplier<SortedSet<GpuArchitecture>> gpus, RetargetCache cache)
            throws IOException, InterruptedException {
        if (!MODES.contains(mode)) {
            throw new RetargetException(
                    "-D" + RetargetedLibraries.MODE + "=" + mode + ": expected automatic or off, or no such property");
        }
        if (jar.isEmpty() || mode.equals("off")) {
            return Optional.empty();
        }
        SortedSet<GpuArchitecture> visible = gpus.get();
        if (visible.isEmpty() || visible.last().major() <= NEWEST_MAJOR_OF_ND4J) {
            return Optional.empty();
        }
        if (visible.first().major() != visible.last().major()) {
            throw new RetargetException("the GPUs " + visible + " need different kernels, and a translated library"
                    + " holds those of one: choose GPUs of one kind with CUDA_VISIBLE_DEVICES");
        }
        return Optional.of(find(jar.get(), visible.first(), mode.equals("automatic"), cache));
    }

    private static RetargetedLibrary find(
            JarURLConnection jar, GpuArchitecture gpu, boolean automatic, RetargetCache cache)
            throws IOException, InterruptedException {
        JarEntry entry = jar.getJarEntry();
        if (entry.getName().equals(LibraryInput.M2_ENTRY)) {
            throw new RetargetException(Advice.noPtx(gpu));
        }
        Optional<RetargetedLibrary> found = cache.find(entry.getSize(), entry.getCrc(), gpu);
        if (found.isPresent()) {
            return found.get();
        }
        Path file = Path.of(jar.getJarFile().getName());
        if (automatic) {
            return translate(file, gpu, cache);
        }
        throw new RetargetException(Advice.retarget(gpu, file));
    }

    private static RetargetedLibrary translate(Path jar, GpuArchitecture gpu, RetargetCache cache)
            throws IOException, InterruptedException {
        int jobs = Runtime.getRuntime().availableProcessors();
        Retargeter retargeter =
                Retargeter.create(CompilerChoice.ANY, gpu, OptionalInt.empty(), jobs, new LoggingListener());
        LOG.info("translating {} for {} with {}: {}", jar, gpu, retargeter.compiler(), Advice.duration(jobs));
        RetargetedLibrary library = retargeter.retarget(jar, cache, PATIENCE);
        LOG.info("translated: {}", library.summary());
        return library;
    }

    /** Logs each tenth of the way. */
    private static final class LoggingListener implements RetargetListener {
        private long total;
        private long done;

        @Override
        public void waiting(Path folder) {
            LOG.info("another process is translating into {}: waiting for it", folder);
        }

        @Override
        public void started(String compiler, int modules, long ptxBytes) {
            total = Math.max(1, ptxBytes);
        }

        @Override
        public void translated(long ptxBytes, int level, boolean resumed) {
            long before = 10 * done / total;
            done += ptxBytes;
            if (10 * done / total > before) {
                LOG.info("translated {} %", 10 * (10 * done / total));
            }
        }
    }
}
