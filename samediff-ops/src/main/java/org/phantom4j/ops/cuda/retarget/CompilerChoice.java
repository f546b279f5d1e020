package org.phantom4j.ops.cuda.retarget;

import java.io.IOException;
import java.util.Locale;

/** Which compiler translates. */
public enum CompilerChoice {
    /** {@code ptxas}, if it is on the PATH, else the driver's. */
    ANY,
    /** {@code ptxas} of a CUDA toolkit, 11.8 or later. */
    PTXAS,
    /** The compiler in NVIDIA's driver. */
    DRIVER;

    /**
     * Reads the name of a choice, in lower case.
     *
     * @throws IllegalArgumentException if there is none of that name
     */
    public static CompilerChoice parse(String name) {
        for (CompilerChoice choice : values()) {
            if (choice.toString().equals(name)) {
                return choice;
            }
        }
        throw new IllegalArgumentException("compiler \"" + name + "\" is none of any, ptxas, driver");
    }

    /**
     * {@return the name and version of the compiler that this choice finds here}
     *
     * @throws RetargetException if there is none
     */
    public String version() throws IOException, InterruptedException {
        return find().version();
    }

    PtxCompiler find() throws IOException, InterruptedException {
        if (this != DRIVER) {
            var ptxas = PtxasCompiler.find(System.getenv().getOrDefault("PATH", ""));
            if (ptxas.isPresent()) {
                return ptxas.get();
            }
            if (this == PTXAS) {
                throw new RetargetException(
                        "there is no ptxas on the PATH: it is in the folder bin of a CUDA toolkit, 11.8 or later");
            }
        }
        return DriverCompiler.find();
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
