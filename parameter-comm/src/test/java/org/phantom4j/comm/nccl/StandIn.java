package org.phantom4j.comm.nccl;

import java.io.File;
import java.io.IOException;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/**
 * A stand-in for the driver and NCCL ({@code src/test/native/standin.c}), so that everything around them is tested on machines
 * without a GPU. What it has no function for fails with status 801, as on a device that cannot do it.
 */
public final class StandIn {

    private static final Path SOURCE =
            Path.of(System.getProperty("repository.root", ".."), "parameter-comm", "src/test/native/standin.c");

    private StandIn() {}

    /** Compiles it, and makes this process use it; skips the test where there is no C compiler. */
    public static Path use() {
        try {
            Path library = compile();
            System.setProperty("phantom4j.cuda.library", library.toString());
            System.setProperty("phantom4j.nccl.library", library.toString());
            return library;
        } catch (IOException e) {
            throw new IllegalStateException("cannot compile " + SOURCE + ": " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private static Path compile() throws IOException, InterruptedException {
        Assumptions.assumeTrue(
                System.getProperty("os.name").equals("Linux")
                        && Stream.of(System.getenv("PATH").split(File.pathSeparator))
                                .anyMatch(folder -> Files.isExecutable(Path.of(folder, "cc"))),
                "skipped: needs Linux and a C compiler (cc)");
        Path folder = Path.of("target").toAbsolutePath();
        Path stubs = folder.resolve("standin-stubs.c");
        Files.writeString(stubs, stubs(Files.readString(SOURCE)), StandardCharsets.US_ASCII);
        Path library = folder.resolve("libstandin-" + ProcessHandle.current().pid() + ".so");
        Path log = folder.resolve("standin.log");
        Process compiler = new ProcessBuilder(List.of(
                        "cc",
                        "-O2",
                        "-shared",
                        "-fPIC",
                        "-pthread",
                        "-DMEETINGS=\"" + folder + "\"",
                        "-o",
                        library.toString(),
                        SOURCE.toString(),
                        stubs.toString()))
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        if (compiler.waitFor() != 0) {
            throw new IOException(Files.readString(log));
        }
        library.toFile().deleteOnExit();
        return library;
    }

    /** Functions that the bindings name and the source has not: a binding is refused if one is missing. */
    private static String stubs(String source) throws IOException {
        StringBuilder stubs = new StringBuilder();
        for (String bound : List.of("org.phantom4j.comm.cuda.CudaDriver", "org.phantom4j.comm.nccl.Nccl")) {
            try {
                Stream.of(Class.forName(bound, false, StandIn.class.getClassLoader())
                                .getDeclaredMethods())
                        .filter(method -> Modifier.isNative(method.getModifiers()))
                        .map(method -> method.getName())
                        .distinct()
                        .filter(name -> !source.contains(" " + name + "(") && !source.contains("*" + name + "("))
                        .forEach(name -> stubs.append("int ").append(name).append("(void) { return 801; }\n"));
            } catch (ClassNotFoundException e) {
                throw new IOException(e);
            }
        }
        return stubs.toString();
    }
}
