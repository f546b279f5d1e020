package org.phantom4j.cli;

import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Properties;
import org.nd4j.linalg.factory.Nd4jBackend;
import org.phantom4j.cli.frame.UsageException;
import org.phantom4j.ops.cuda.retarget.library.RetargetException;

/** ND4J's backends on the class path, looked for without starting one. A distribution has none: the user brings it. */
final class Nd4jBackends {

    private static final List<String> KNOWN =
            List.of("org/nd4j/linalg/cpu/nativecpu/CpuBackend.class", "org/nd4j/linalg/jcublas/JCublasBackend.class");

    private Nd4jBackends() {}

    /**
     * Refuses to go on where there is none.
     *
     * @throws UsageException that says what to put where
     */
    static void requireOne() {
        requireOne(Nd4jBackends.class.getClassLoader());
    }

    static void requireOne(ClassLoader loader) {
        if (KNOWN.stream().allMatch(file -> loader.getResource(file) == null)) {
            throw new UsageException(
                    "there is no ND4J backend on the class path, and nothing computes without one: " + advice());
        }
    }

    /** What a library that cannot be loaded means: most often a backend without its native code. */
    static String explain(LinkageError error) {
        Throwable root = error;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        if (root instanceof RetargetException) {
            return root.getMessage();
        }
        return "a library cannot be loaded: " + root + "; if that is ND4J's native code, " + advice();
    }

    private static String advice() {
        String version = version();
        return "put the jars of org.nd4j:nd4j-native-platform:" + version
                + " (CPU; those for this platform are enough) or of its CUDA backend into the folder lib beside the script"
                + " phantom, or name them in PHANTOM_CLASSPATH";
    }

    /** The version of ND4J that this was built with. */
    private static String version() {
        try (InputStream in =
                Nd4jBackend.class.getResourceAsStream("/META-INF/maven/org.nd4j/nd4j-api/pom.properties")) {
            Properties properties = new Properties();
            if (in != null) {
                properties.load(in);
            }
            return properties.getProperty("version", "of the same version as nd4j-api");
        } catch (IOException e) {
            return "of the same version as nd4j-api";
        }
    }
}
