package org.phantom4j.ops.cuda.retarget.compile;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.phantom4j.ops.cuda.fatbin.GpuArchitecture;
import org.phantom4j.ops.cuda.retarget.library.RetargetException;

/** The compiler in NVIDIA's driver, through JavaCPP's CUDA presets: needs a driver, and no toolkit. */
final class DriverCompiler implements PtxCompiler {
    private static final Duration VERSION_LIMIT = Duration.ofMinutes(1);
    private static final Pattern VERSION = Pattern.compile("driver (\\d+)\\.(\\d+)");

    private final String version;

    DriverCompiler(String version) {
        this.version = version;
    }

    /**
     * Asks the driver for its version.
     *
     * @throws RetargetException if there is no driver, or no presets on the class path
     */
    static DriverCompiler find() throws IOException, InterruptedException {
        ChildProcess.Result result = ChildProcess.run(java(List.of("--version")), VERSION_LIMIT);
        Matcher matcher = VERSION.matcher(result.output());
        if (!result.succeeded() || !matcher.find()) {
            throw new RetargetException("the driver's compiler does not start: " + result.describe());
        }
        return new DriverCompiler("driver-" + matcher.group(1) + "." + matcher.group(2));
    }

    @Override
    public String version() {
        return version;
    }

    @Override
    public List<Integer> levels() {
        return List.of(3, 1, 0);
    }

    @Override
    public int usualLevel() {
        return 3;
    }

    @Override
    public List<String> command(Path ptx, Path cubin, GpuArchitecture target, int level) {
        return java(
                List.of(Integer.toString(target.number()), Integer.toString(level), ptx.toString(), cubin.toString()));
    }

    private static List<String> java(List<String> arguments) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                // the compiler recurses deeply, on the stack of the thread that calls it
                "-Xss64m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                // a crash is expected of the compiler: it leaves nothing lying about, and is told on standard output
                "-XX:ErrorFile=/dev/null",
                "-XX:-CreateCoredumpOnCrash",
                "-cp",
                System.getProperty("java.class.path")));
        for (String property : List.of("java.library.path", "org.bytedeco.javacpp.pathsfirst")) {
            String value = System.getProperty(property);
            if (value != null) {
                command.add("-D" + property + "=" + value);
            }
        }
        command.add(DriverCompilerMain.class.getName());
        command.addAll(arguments);
        return command;
    }
}
