package org.phantom4j.ops.cuda.retarget.compile;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.phantom4j.ops.cuda.fatbin.GpuArchitecture;

/** A compiler that is a shell script: {@code $1} PTX, {@code $2} cubin, {@code $3} architecture, {@code $4} level. */
public record ScriptCompiler(String version, Path script) implements PtxCompiler {
    /** Makes as its "cubin" the architecture, the level and the PTX, behind an ELF file's first bytes. */
    public static final String COMPILE = "{ printf '\\177ELF\\2\\1\\1\\101\\10%s O%s ' $3 $4; cat $1; } > $2\n";

    /** Makes one of a shell script's body. */
    public static ScriptCompiler create(Path folder, String body) throws IOException {
        return new ScriptCompiler("script-1.0", write(folder.resolve("compiler"), body));
    }

    /** Writes an executable script. */
    public static Path write(Path file, String body) throws IOException {
        Files.writeString(file, "#!/bin/sh\n" + body);
        return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
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
        return List.of(script.toString(), ptx.toString(), cubin.toString(), target.toString(), "" + level);
    }
}
