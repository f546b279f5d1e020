package org.phantom4j.ops.cuda.retarget;

import static org.bytedeco.cuda.global.cudart.cudaDevAttrComputeCapabilityMajor;
import static org.bytedeco.cuda.global.cudart.cudaDevAttrComputeCapabilityMinor;
import static org.bytedeco.cuda.global.cudart.cudaDeviceGetAttribute;
import static org.bytedeco.cuda.global.cudart.cudaGetDeviceCount;

import java.io.IOException;
import java.net.JarURLConnection;
import java.net.URL;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.jar.JarEntry;
import org.bytedeco.cuda.global.cublas;
import org.bytedeco.cuda.global.cusolver;
import org.bytedeco.javacpp.Loader;
import org.phantom4j.ops.cuda.fatbin.GpuArchitecture;
import org.phantom4j.ops.cuda.retarget.compile.CompilerChoice;
import org.phantom4j.ops.cuda.retarget.library.LibraryInput;
import org.phantom4j.ops.cuda.retarget.library.LibraryLocator;
import org.phantom4j.ops.cuda.retarget.library.RetargetCache;
import org.phantom4j.ops.cuda.retarget.library.RetargetException;
import org.phantom4j.ops.cuda.retarget.library.RetargetedLibrary;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes ND4J's CUDA backend start with a translated library, on GPUs that are newer than its own kernels.
 *
 * <p>Needs ND4J's CUDA backend and JavaCPP's CUDA presets on the class path. The property {@value #MODE} says what
 * happens where a translation is needed and missing: by default, an error that names the command; {@code automatic}
 * translates at once; {@code off} leaves ND4J to itself.
 */
public final class RetargetedLibraries {
    /** The property that says what to do without a translation. */
    public static final String MODE = "phantom4j.retarget";

    private static final Set<String> MODES = Set.of("", "automatic", "off");

    /** The newest major version that the released CUDA libraries of ND4J, up to 1.0.0-M2.1, hold kernels for. */
    private static final int NEWEST_MAJOR_OF_ND4J = 8;

    private static final String LIBRARY = "nd4jcuda";
    private static final Logger LOG = LoggerFactory.getLogger(RetargetedLibraries.class);

    private RetargetedLibraries() {}

    /**
     * Loads the translated library before ND4J loads its own, if this machine's GPUs need it. To be called once,
     * before any class of ND4J's CUDA backend is initialised.
     *
     * @throws UnsatisfiedLinkError if ND4J cannot run on these GPUs as it is; the message says what to do
     */
    public static void prepare() {
        String mode = System.getProperty(MODE, "");
        if (!MODES.contains(mode)) {
            throw new UnsatisfiedLinkError(
                    "-D" + MODE + "=" + mode + ": expected automatic or off, or no such property");
        }
        try {
            Optional<JarURLConnection> jar = LibraryLocator.onClassPath();
            if (jar.isEmpty() || mode.equals("off")) {
                return;
            }
            SortedSet<GpuArchitecture> gpus = visibleGpus();
            if (gpus.isEmpty() || gpus.last().major() <= NEWEST_MAJOR_OF_ND4J) {
                return;
            }
            if (gpus.first().major() != gpus.last().major()) {
                throw new RetargetException("the GPUs " + gpus + " need different kernels, and a translated library"
                        + " holds those of one: choose GPUs of one kind with CUDA_VISIBLE_DEVICES");
            }
            load(jar.get(), gpus.first(), mode.equals("automatic"));
            CublasCheck.warnUnlessCovers(gpus.last());
        } catch (IOException e) {
            throw asLinkError(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw asLinkError(e);
        }
    }

    private static SortedSet<GpuArchitecture> visibleGpus() {
        SortedSet<GpuArchitecture> architectures = new TreeSet<>();
        int[] value = new int[1];
        if (cudaGetDeviceCount(value) == 0) {
            int devices = value[0];
            for (int device = 0; device < devices; device++) {
                if (cudaDeviceGetAttribute(value, cudaDevAttrComputeCapabilityMajor, device) == 0) {
                    int major = value[0];
                    if (cudaDeviceGetAttribute(value, cudaDevAttrComputeCapabilityMinor, device) == 0) {
                        architectures.add(new GpuArchitecture(10 * major + value[0]));
                    }
                }
            }
        }
        return architectures;
    }

    private static void load(JarURLConnection jar, GpuArchitecture gpu, boolean automatic)
            throws IOException, InterruptedException {
        JarEntry entry = jar.getJarEntry();
        if (entry.getName().equals(LibraryInput.M2_ENTRY)) {
            throw new RetargetException(Advice.noPtx(gpu));
        }
        RetargetCache cache = RetargetCache.standard();
        Optional<RetargetedLibrary> found = cache.find(entry.getSize(), entry.getCrc(), gpu);
        RetargetedLibrary library;
        if (found.isPresent()) {
            library = found.get();
        } else if (automatic) {
            library = translate(Path.of(jar.getJarFile().getName()), gpu, cache);
        } else {
            throw new RetargetException(
                    Advice.retarget(gpu, Path.of(jar.getJarFile().getName())));
        }
        // what the library is linked with, wherever it comes from, must be there first
        Loader.load(cublas.class);
        try {
            Loader.load(cusolver.class);
        } catch (LinkageError e) {
            // its bindings want cuSPARSE too; the library itself may still be where the system's linker looks
            LOG.debug("cuSOLVER's bindings do not load", e);
        }
        URL[] file = {library.file().toAbsolutePath().toUri().toURL()};
        LOG.info("ND4J's CUDA kernels for {}: {}", library.target(), library.file());
        Loader.loadLibrary(RetargetedLibraries.class, file, LIBRARY);
    }

    private static RetargetedLibrary translate(Path jar, GpuArchitecture gpu, RetargetCache cache)
            throws IOException, InterruptedException {
        int jobs = Runtime.getRuntime().availableProcessors();
        Retargeter retargeter =
                Retargeter.create(CompilerChoice.ANY, gpu, OptionalInt.empty(), jobs, new LoggingListener());
        LOG.info("translating {} for {} with {}: {}", jar, gpu, retargeter.compiler(), Advice.duration(jobs));
        RetargetedLibrary library = retargeter.retarget(jar, cache);
        LOG.info("translated: {}", library.summary());
        return library;
    }

    private static UnsatisfiedLinkError asLinkError(Exception cause) {
        UnsatisfiedLinkError error = new UnsatisfiedLinkError(cause.getMessage());
        error.initCause(cause);
        return error;
    }

    /** Logs each tenth of the way. */
    private static final class LoggingListener implements RetargetListener {
        private long total;
        private long done;

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
