package org.phantom4j.comm.cuda;

import com.sun.jna.Library;
import com.sun.jna.NativeLibrary;
import java.io.File;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Finds a shared library of the machine, by the names that its versions have. */
public final class SystemLibrary {

    private static final List<String> FOLDERS =
            List.of("lib64", "lib", "targets/x86_64-linux/lib", "targets/sbsa-linux/lib");

    private SystemLibrary() {}

    /**
     * Loads the first library that is there: the file that the property names, else the first of the names that the
     * loader finds, else the first in CUDA's folders (CUDA_HOME, CUDA_PATH, /usr/local/cuda).
     *
     * @param property a system property that may name a file
     * @param hint what to install where there is none
     * @param names such as "libnccl.so.2", best first
     * @throws CudaException if there is none
     */
    public static NativeLibrary load(String property, String hint, String... names) {
        String file = System.getProperty(property);
        List<String> candidates = new ArrayList<>();
        if (file != null) {
            candidates.add(file);
        } else {
            candidates.addAll(List.of(names));
            for (String folder : folders()) {
                for (String name : names) {
                    File inFolder = new File(folder, name);
                    if (inFolder.isFile()) {
                        candidates.add(inFolder.getPath());
                    }
                }
            }
        }
        UnsatisfiedLinkError last = null;
        for (String candidate : candidates) {
            try {
                return NativeLibrary.getInstance(candidate, Map.of(Library.OPTION_OPEN_FLAGS, 1));
            } catch (UnsatisfiedLinkError e) {
                last = e;
            }
        }
        String why = file == null || last == null ? "" : ": " + last.getMessage();
        throw new CudaException(
                "cannot load " + (file == null ? String.join(" or ", names) : file) + why + "; " + hint
                        + ", or name the file with -D" + property,
                0);
    }

    private static List<String> folders() {
        List<String> roots = new ArrayList<>();
        for (String variable : List.of("CUDA_HOME", "CUDA_PATH")) {
            String value = System.getenv(variable);
            if (value != null && !value.isBlank()) {
                roots.add(value);
            }
        }
        roots.add("/usr/local/cuda");
        List<String> folders = new ArrayList<>();
        for (String root : roots) {
            FOLDERS.forEach(folder -> folders.add(root + File.separator + folder));
        }
        return folders;
    }
}
