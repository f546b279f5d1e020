package org.phantom4j.ops.cuda.retarget.compile;

import java.io.IOException;
import java.util.Optional;
import org.phantom4j.ops.cuda.retarget.library.RetargetException;

/** Which compiler translates. */
public enum CompilerChoice {
    /** {@code ptxas}, if it is on the PATH, else the driver's. */
    ANY,
    /** {@code ptxas} of a CUDA toolkit, 11.8 or later. */
    PTXAS,
    /** The compiler in NVIDIA's driver. */
    DRIVER;

    /**
     * {@return the name and version of the compiler that this choice finds here}
     *
     * @throws RetargetException if there is none
     */
    public String version() throws IOException, InterruptedException {
        return find().version();
    }

    /**
     * {@return the compiler that this choice finds here}
     *
     * @throws RetargetException if there is none
     */
    public PtxCompiler find() throws IOException, InterruptedException {
        if (this != DRIVER) {
            Optional<PtxasCompiler> ptxas = PtxasCompiler.find(System.getenv().getOrDefault("PATH", ""));
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
}
