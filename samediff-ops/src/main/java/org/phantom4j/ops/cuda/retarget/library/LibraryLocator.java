package org.phantom4j.ops.cuda.retarget.library;

import java.io.IOException;
import java.net.JarURLConnection;
import java.net.URL;
import java.net.URLConnection;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** Finds the jar that holds ND4J's CUDA library. */
public final class LibraryLocator {
    private static final String IN_LOCAL_REPOSITORY =
            ".m2/repository/org/nd4j/nd4j-cuda-11.2/1.0.0-M1.1/nd4j-cuda-11.2-1.0.0-M1.1-linux-x86_64.jar";

    private LibraryLocator() {}

    /**
     * Finds it on the class path, or else in Maven's local repository.
     *
     * @throws RetargetException if it is in neither; the message says how to fetch it
     */
    public static Path nd4jJar() throws IOException {
        Optional<JarURLConnection> entry = onClassPath();
        if (entry.isPresent()) {
            return Path.of(entry.get().getJarFile().getName());
        }
        return inLocalRepository()
                .orElseThrow(() -> new RetargetException(
                        "ND4J's CUDA library is neither on the class path nor in Maven's local repository."
                                + " Name it with --nd4j-jar, or fetch it:\n    mvn dependency:get -Dtransitive=false"
                                + " -Dartifact=org.nd4j:nd4j-cuda-11.2:1.0.0-M1.1:jar:linux-x86_64"));
    }

    /** {@return the jar of ND4J 1.0.0-M1.1 that Maven has fetched, where it usually puts it} */
    public static Optional<Path> inLocalRepository() {
        Path fetched = Path.of(System.getProperty("user.home"), IN_LOCAL_REPOSITORY);
        return Files.isRegularFile(fetched) ? Optional.of(fetched) : Optional.empty();
    }

    /** {@return the library's entry in a jar of the class path} */
    public static Optional<JarURLConnection> onClassPath() throws IOException {
        ClassLoader loader = Thread.currentThread().getContextClassLoader();
        for (String name : new String[] {LibraryInput.M1_ENTRY, LibraryInput.M2_ENTRY}) {
            URL resource = loader.getResource(name);
            if (resource != null) {
                URLConnection connection = resource.openConnection();
                if (connection instanceof JarURLConnection jar) {
                    return Optional.of(jar);
                }
            }
        }
        return Optional.empty();
    }
}
