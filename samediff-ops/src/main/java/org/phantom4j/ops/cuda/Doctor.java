package org.phantom4j.ops.cuda;

import java.io.IOException;
import java.io.InputStream;
import java.net.JarURLConnection;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.SortedSet;
import java.util.TreeSet;
import org.phantom4j.comm.cuda.CudaDevice;
import org.phantom4j.comm.world.Launch;
import org.phantom4j.ops.cuda.fatbin.GpuArchitecture;
import org.phantom4j.ops.cuda.retarget.Advice;
import org.phantom4j.ops.cuda.retarget.CublasVersion;
import org.phantom4j.ops.cuda.retarget.compile.CompilerChoice;
import org.phantom4j.ops.cuda.retarget.library.KernelSummary;
import org.phantom4j.ops.cuda.retarget.library.LibraryLocator;
import org.phantom4j.ops.cuda.retarget.library.RetargetCache;
import org.phantom4j.ops.cuda.retarget.library.RetargetedLibrary;

/** Looks at what ND4J's CUDA backend needs on this machine, without starting it. Useful without a GPU too. */
public final class Doctor {
    private static final String CUBLAS = "org/bytedeco/cuda/linux-x86_64/libcublas.so.11";
    private static final String NCCL = "org/bytedeco/cuda/linux-x86_64/libnccl.so.2";
    private static final List<Path> SYSTEM_FOLDERS =
            List.of(Path.of("/usr/lib/x86_64-linux-gnu"), Path.of("/usr/lib64"), Path.of("/usr/local/cuda/lib64"));

    private final List<String> found = new ArrayList<>();
    private final List<String> advice = new ArrayList<>();

    private Doctor() {}

    /**
     * What was found.
     *
     * @param found  a line each
     * @param advice what will not work, and what to do about it; empty if all is well
     */
    public record Report(List<String> found, List<String> advice) {}

    /** Examines the machine; takes some 10 s where it finds ND4J's CUDA library, which it reads. */
    public static Report examine() throws IOException, InterruptedException {
        return examine(GpuInventory.query(), CudaDevice.obstacle(), System.getenv());
    }

    static Report examine(List<GpuInventory.Gpu> gpus, Optional<String> obstacle, Map<String, String> environment)
            throws IOException, InterruptedException {
        Doctor doctor = new Doctor();
        doctor.launcher(environment);
        doctor.phantom(gpus, obstacle);
        doctor.gpus(gpus);
        doctor.say("ND4J", version("org.nd4j", "nd4j-api").orElse("not on the class path"));
        doctor.say("JavaCPP", version("org.bytedeco", "javacpp").orElse("not on the class path"));
        doctor.backends(gpus);
        doctor.cublas(gpus);
        doctor.say("NCCL", where(NCCL).map(Path::toString).orElse(missing(NCCL)));
        doctor.compilers();
        doctor.memory();
        return new Report(List.copyOf(doctor.found), List.copyOf(doctor.advice));
    }

    private void say(String what, Object finding) {
        found.add(String.format("%-16s %s", what, finding));
    }

    private void launcher(Map<String, String> environment) {
        try {
            List<String> notes = Launch.of(environment).notes();
            say("launcher", notes.isEmpty() ? "none: ranks are started by this program" : String.join("; ", notes));
        } catch (IllegalArgumentException e) {
            say("launcher", "not understood: " + e.getMessage());
            advice.add("The environment says that this process is a rank, but: " + e.getMessage() + ".");
        }
    }

    /** What this project's own compiled steps can use: whatever the driver can, also what ND4J does not know. */
    private void phantom(List<GpuInventory.Gpu> gpus, Optional<String> obstacle) {
        if (obstacle.isEmpty()) {
            say("--device cuda", "works: the driver starts, whatever ND4J can use");
            return;
        }
        say("--device cuda", "does not: " + obstacle.get());
        if (!gpus.isEmpty()) {
            advice.add("There are GPUs, and this process cannot use them: " + obstacle.get() + ".");
        }
    }

    private void gpus(List<GpuInventory.Gpu> gpus) {
        if (gpus.isEmpty()) {
            say("GPU", "none: neither nvidia-smi nor the driver lists one");
            advice.add("Everything runs on the CPU. For a GPU, NVIDIA's driver must be installed, and in a container"
                    + " passed on to it (docker run --gpus all).");
        }
        for (GpuInventory.Gpu gpu : gpus) {
            say(
                    "GPU",
                    String.format(
                            "%s, compute capability %s, %d of %d MiB free, driver %s",
                            gpu.name(), gpu.architecture().capability(), gpu.freeMiB(), gpu.totalMiB(), gpu.driver()));
        }
    }

    private void backends(List<GpuInventory.Gpu> gpus) throws IOException {
        boolean cpu =
                Doctor.class.getClassLoader().getResource("org/nd4j/linalg/cpu/nativecpu/CpuBackend.class") != null;
        say("CPU backend", cpu ? "on the class path" : "not on the class path");
        Optional<JarURLConnection> library = LibraryLocator.onClassPath();
        if (library.isPresent()) {
            Path jar = Path.of(library.get().getJarFile().getName());
            say("CUDA backend", jar.getFileName());
            kernels(jar, gpus);
            return;
        }
        say("CUDA backend", "no library on the class path");
        if (!cpu) {
            advice.add("ND4J has no backend on the class path, and nothing computes without one: put the jars of"
                    + " org.nd4j:nd4j-native-platform (CPU) or of its CUDA backend into the folder lib beside the script"
                    + " phantom, or name them in PHANTOM_CLASSPATH.");
        }
        if (!gpus.isEmpty()) {
            advice.add(
                    "ND4J itself will not use the GPU (--device cuda does without it): put nd4j-cuda-11.2-platform of ND4J 1.0.0-M1.1 on the class path.");
            Optional<Path> fetched = LibraryLocator.inLocalRepository();
            if (fetched.isPresent()) {
                say("fetched", fetched.get());
                kernels(fetched.get(), gpus);
            }
        }
    }

    private void kernels(Path jar, List<GpuInventory.Gpu> gpus) throws IOException {
        KernelSummary kernels = KernelSummary.of(jar);
        say("its kernels", kernels);
        for (GpuArchitecture gpu : architectures(gpus)) {
            judge(gpu, kernels, jar);
        }
    }

    private void judge(GpuArchitecture gpu, KernelSummary kernels, Path jar) throws IOException {
        if (kernels.runsOn(gpu)) {
            return;
        }
        List<RetargetedLibrary> translated = new ArrayList<>();
        for (RetargetedLibrary made : RetargetCache.standard().libraries()) {
            if (kernels.isOriginalOf(made) && gpu.runs(made.target()) && made.isIntact()) {
                translated.add(made);
            }
        }
        translated.forEach(made -> say("translated", made.file() + ", " + made.summary()));
        if (translated.isEmpty()) {
            advice.add(kernels.hasPtxFor(gpu) ? Advice.retarget(gpu, jar) : Advice.noPtx(gpu));
        }
    }

    private static SortedSet<GpuArchitecture> architectures(List<GpuInventory.Gpu> gpus) {
        SortedSet<GpuArchitecture> architectures = new TreeSet<>();
        gpus.forEach(gpu -> architectures.add(gpu.architecture()));
        return architectures;
    }

    private void cublas(List<GpuInventory.Gpu> gpus) throws IOException {
        Optional<Path> file = where(CUBLAS);
        say("cuBLAS", file.map(Path::toString).orElse(missing(CUBLAS)));
        Optional<CublasVersion> version =
                file.flatMap(found -> CublasVersion.ofFile(found.getFileName().toString()));
        if (version.isPresent()) {
            architectures(gpus).stream()
                    .map(gpu -> Advice.cublas(gpu, version.get()))
                    .filter(problem -> !problem.isEmpty())
                    .forEach(advice::add);
        }
    }

    /** {@return the jar of the class path that holds a library, or else the library's file where it is installed} */
    private static Optional<Path> where(String resource) throws IOException {
        URL url = Thread.currentThread().getContextClassLoader().getResource(resource);
        if (url != null && url.openConnection() instanceof JarURLConnection jar) {
            return Optional.of(Path.of(jar.getJarFile().getName()).getFileName());
        }
        String file = Path.of(resource).getFileName().toString();
        List<Path> folders = new ArrayList<>();
        for (String folder : System.getenv().getOrDefault("LD_LIBRARY_PATH", "").split(":", -1)) {
            if (!folder.isEmpty()) {
                folders.add(Path.of(folder));
            }
        }
        folders.addAll(SYSTEM_FOLDERS);
        Optional<Path> system = folders.stream()
                .map(folder -> folder.resolve(file))
                .filter(Files::exists)
                .findFirst();
        return system.isPresent() ? Optional.of(system.get().toRealPath()) : Optional.empty();
    }

    private static String missing(String resource) {
        return Path.of(resource).getFileName() + " is neither on the class path nor installed";
    }

    private void compilers() throws InterruptedException {
        try {
            say("compiler", CompilerChoice.ANY.version());
        } catch (IOException e) {
            say(
                    "compiler",
                    "none, for translating kernels: no ptxas on the PATH; "
                            + e.getMessage().strip());
        }
    }

    private void memory() throws IOException {
        Runtime runtime = Runtime.getRuntime();
        say(
                "memory",
                String.format(
                        "Java heap up to %d MiB, %d cores", runtime.maxMemory() >> 20, runtime.availableProcessors()));
        Path cache = RetargetCache.standard().root();
        Path existing = cache.toAbsolutePath();
        while (!Files.exists(existing)) {
            existing = existing.getParent();
        }
        say(
                "cache",
                String.format(
                        "%s, %d MiB free", cache, Files.getFileStore(existing).getUsableSpace() >> 20));
    }

    private static Optional<String> version(String group, String artifact) throws IOException {
        String name = "/META-INF/maven/" + group + "/" + artifact + "/pom.properties";
        try (InputStream in = Doctor.class.getResourceAsStream(name)) {
            if (in == null) {
                return Optional.empty();
            }
            Properties properties = new Properties();
            properties.load(in);
            return Optional.ofNullable(properties.getProperty("version"));
        }
    }
}
