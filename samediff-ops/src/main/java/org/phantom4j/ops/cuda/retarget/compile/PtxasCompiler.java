package org.phantom4j.ops.cuda.retarget.compile;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.phantom4j.ops.cuda.fatbin.GpuArchitecture;
import org.phantom4j.ops.cuda.retarget.library.RetargetException;

/**
 * {@code ptxas} of a CUDA toolkit; needs no GPU.
 *
 * <p>Its levels 3 and 2 make the same code of ND4J's modules, in the same time. So level 2 stands for its fast
 * compilation, where it has one: two thirds of the time.
 */
final class PtxasCompiler implements PtxCompiler {
    /** The first toolkit that knows Hopper. */
    private static final int OLDEST = 1108;

    private static final Pattern VERSION = Pattern.compile("V(\\d+)\\.(\\d+)\\.(\\d+)");
    private static final Duration VERSION_LIMIT = Duration.ofSeconds(30);
    private static final String FAST_OPTION = "--Ofast-compile";
    private static final int FAST = 2;

    private final Path ptxas;
    private final String version;
    private final boolean hasFast;

    private PtxasCompiler(Path ptxas, String version, boolean hasFast) {
        this.ptxas = ptxas;
        this.version = version;
        this.hasFast = hasFast;
    }

    /**
     * Finds the first {@code ptxas} of a search path.
     *
     * @param searchPath folders, separated as in the variable PATH
     * @return nothing if there is none
     * @throws RetargetException if it is too old, or does not say its version
     */
    static Optional<PtxasCompiler> find(String searchPath) throws IOException, InterruptedException {
        for (String folder : searchPath.split(File.pathSeparator, -1)) {
            Path candidate = Path.of(folder, "ptxas").toAbsolutePath();
            if (Files.isExecutable(candidate)) {
                return Optional.of(new PtxasCompiler(candidate, versionOf(candidate), hasFast(candidate)));
            }
        }
        return Optional.empty();
    }

    private static String versionOf(Path ptxas) throws IOException, InterruptedException {
        ChildProcess.Result result = ChildProcess.run(List.of(ptxas.toString(), "--version"), VERSION_LIMIT);
        Matcher matcher = VERSION.matcher(result.output());
        if (!result.succeeded() || !matcher.find()) {
            throw new RetargetException(ptxas + " does not say its version: " + result.describe());
        }
        int release = 100 * Integer.parseInt(matcher.group(1)) + Integer.parseInt(matcher.group(2));
        if (release < OLDEST) {
            throw new RetargetException(ptxas + " is of CUDA " + matcher.group(1) + "." + matcher.group(2)
                    + ": 11.8 or later is needed; put a newer toolkit first on the PATH");
        }
        return "ptxas-" + matcher.group().substring(1);
    }

    private static boolean hasFast(Path ptxas) throws IOException, InterruptedException {
        return ChildProcess.run(List.of(ptxas.toString(), "--help"), VERSION_LIMIT)
                .output()
                .contains(FAST_OPTION);
    }

    @Override
    public String version() {
        return version;
    }

    @Override
    public List<Integer> levels() {
        return hasFast ? List.of(3, FAST, 1, 0) : List.of(3, 1, 0);
    }

    @Override
    public int usualLevel() {
        return levels().get(hasFast ? 1 : 0);
    }

    @Override
    public List<String> command(Path ptx, Path cubin, GpuArchitecture target, int level) {
        String effort = level == FAST && hasFast ? FAST_OPTION + "=mid" : "-O" + level;
        return List.of(ptxas.toString(), effort, "-arch=" + target, ptx.toString(), "-o", cubin.toString());
    }
}
