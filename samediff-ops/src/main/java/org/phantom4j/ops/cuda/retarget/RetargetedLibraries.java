package org.phantom4j.ops.cuda.retarget;

import static org.bytedeco.cuda.global.cudart.cudaDevAttrComputeCapabilityMajor;
import static org.bytedeco.cuda.global.cudart.cudaDevAttrComputeCapabilityMinor;
import static org.bytedeco.cuda.global.cudart.cudaDeviceGetAttribute;
import static org.bytedeco.cuda.global.cudart.cudaGetDeviceCount;

import java.io.IOException;
import java.net.URL;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import org.bytedeco.cuda.global.cublas;
import org.bytedeco.cuda.global.cusolver;
import org.bytedeco.javacpp.Loader;
import org.phantom4j.ops.cuda.fatbin.GpuArchitecture;
import org.phantom4j.ops.cuda.retarget.library.LibraryLocator;
import org.phantom4j.ops.cuda.retarget.library.RetargetCache;
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
        try {
            Optional<RetargetedLibrary> library = StartLibrary.find(
                    mode, LibraryLocator.onClassPath(), RetargetedLibraries::visibleGpus, RetargetCache.standard());
            if (library.isPresent()) {
                load(library.get());
                CublasCheck.warnUnlessCovers(library.get().target());
            }
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

    private static void load(RetargetedLibrary library) throws IOException {
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

    private static UnsatisfiedLinkError asLinkError(Exception cause) {
        UnsatisfiedLinkError error = new UnsatisfiedLinkError(cause.getMessage());
        error.initCause(cause);
        return error;
    }
}
