package org.phantom4j.ops.cuda.retarget.compile;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.phantom4j.ops.cuda.fatbin.Compression;
import org.phantom4j.ops.cuda.fatbin.FatBinaryWriter;
import org.phantom4j.ops.cuda.fatbin.GpuArchitecture;
import org.phantom4j.ops.cuda.retarget.library.RetargetException;

/**
 * Compiles modules, each at the highest optimisation level, of those allowed, that the compiler survives: at level 3,
 * driver 580's compiler and ptxas 13.0 were seen to crash on one of ND4J's 229 modules, the random numbers.
 *
 * <p>May be used by several threads at once.
 */
public final class ModuleCompiler {
    private static final byte[] SMALLEST_MODULE =
            ".version 7.0\n.target sm_52\n.address_size 64\n.visible .entry probe()\n{\n    ret;\n}\n"
                    .getBytes(StandardCharsets.US_ASCII);

    private final PtxCompiler compiler;
    private final GpuArchitecture target;
    private final List<Integer> levels;
    private final Duration limit;

    /**
     * Makes one.
     *
     * @param compiler what compiles
     * @param target   the architecture to compile for
     * @param highest the level to start at
     * @param limit   of one attempt
     */
    public ModuleCompiler(PtxCompiler compiler, GpuArchitecture target, int highest, Duration limit) {
        this.compiler = compiler;
        this.target = target;
        this.levels =
                compiler.levels().stream().filter(level -> level <= highest).toList();
        this.limit = limit;
    }

    /** A module's kernels, as the fat binary that takes the place of the old one. The array is not copied. */
    public static final class Compiled {
        private final byte[] container;
        private final int level;

        Compiled(byte[] container, int level) {
            this.container = container;
            this.level = level;
        }

        /** {@return the fat binary} */
        public byte[] container() {
            return container;
        }

        /** {@return the optimisation level that they were compiled at} */
        public int level() {
            return level;
        }
    }

    /**
     * Compiles an empty kernel, so that a compiler that does not know the architecture is found out at once.
     *
     * @throws RetargetException if it cannot
     */
    public void probe(Path scratch) throws IOException, InterruptedException {
        compile(SMALLEST_MODULE, "an empty kernel", scratch);
    }

    /**
     * Compiles a module.
     *
     * @param name    of the module, for the error
     * @param scratch a folder for files that are gone when this returns
     * @throws RetargetException if no level works; the message has the compiler's words
     */
    public Compiled compile(byte[] ptx, String name, Path scratch) throws IOException, InterruptedException {
        Path source = Files.createTempFile(scratch, "module", ".ptx");
        Path cubin = Files.createTempFile(scratch, "module", ".cubin");
        try {
            Files.write(source, trimmed(ptx));
            List<String> failures = new ArrayList<>();
            for (int level : levels) {
                ChildProcess.Result result = ChildProcess.run(compiler.command(source, cubin, target, level), limit);
                if (result.succeeded() && Files.exists(cubin) && Files.size(cubin) > 0) {
                    byte[] kernels = Files.readAllBytes(cubin);
                    return new Compiled(FatBinaryWriter.container(target, kernels, Compression.LZ4), level);
                }
                failures.add("at level " + level + " " + result.describe());
            }
            throw new RetargetException(compiler.version() + " cannot compile " + name + " for " + target + ": "
                    + String.join("; ", failures));
        } finally {
            Files.deleteIfExists(source);
            Files.deleteIfExists(cubin);
        }
    }

    /** A payload ends with zeros, which ptxas takes for text. */
    private static byte[] trimmed(byte[] ptx) {
        int length = ptx.length;
        while (length > 0 && ptx[length - 1] == 0) {
            length--;
        }
        return length == ptx.length ? ptx : Arrays.copyOf(ptx, length);
    }
}
