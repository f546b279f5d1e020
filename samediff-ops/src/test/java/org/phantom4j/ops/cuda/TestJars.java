package org.phantom4j.ops.cuda;

import java.io.IOException;
import java.io.OutputStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** Jars that a test writes, and puts on the class path for a while. */
public final class TestJars {
    private TestJars() {}

    /** What is done meanwhile. */
    public interface Action<T> {
        /** Does it. */
        T run() throws IOException, InterruptedException;
    }

    /** Runs with these jars on the class path of this thread. */
    public static <T> T with(List<Path> jars, Action<T> action) throws IOException, InterruptedException {
        List<URL> urls = new ArrayList<>();
        for (Path jar : jars) {
            urls.add(jar.toUri().toURL());
        }
        ClassLoader before = Thread.currentThread().getContextClassLoader();
        try (URLClassLoader loader = new URLClassLoader(urls.toArray(new URL[0]), before)) {
            Thread.currentThread().setContextClassLoader(loader);
            return action.run();
        } finally {
            Thread.currentThread().setContextClassLoader(before);
        }
    }

    /** Writes a jar of one entry. */
    public static Path write(Path jar, String entry, byte[] content) throws IOException {
        try (OutputStream file = Files.newOutputStream(jar);
                ZipOutputStream zip = new ZipOutputStream(file)) {
            zip.putNextEntry(new ZipEntry(entry));
            zip.write(content);
        }
        return jar;
    }
}
