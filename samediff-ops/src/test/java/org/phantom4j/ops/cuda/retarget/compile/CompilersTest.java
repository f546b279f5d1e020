package org.phantom4j.ops.cuda.retarget.compile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.phantom4j.ops.cuda.fatbin.ByteSource;
import org.phantom4j.ops.cuda.fatbin.ElfFile;
import org.phantom4j.ops.cuda.fatbin.ElfSection;
import org.phantom4j.ops.cuda.fatbin.FatBinary;
import org.phantom4j.ops.cuda.fatbin.GpuArchitecture;
import org.phantom4j.ops.cuda.retarget.library.RetargetException;

class CompilersTest {
    private static final GpuArchitecture HOPPER = new GpuArchitecture(90);
    private static final Duration LIMIT = Duration.ofMinutes(2);
    private static final byte[] PTX =
            """
            .version 7.2
            .target sm_86
            .address_size 64
            .visible .entry twice(.param .u64 p)
            {
                .reg .b64 %rd<3>;
                .reg .f32 %f<3>;
                ld.param.u64 %rd1, [p];
                cvta.to.global.u64 %rd2, %rd1;
                ld.global.f32 %f1, [%rd2];
                add.f32 %f2, %f1, %f1;
                st.global.f32 [%rd2], %f2;
                ret;
            }
            \0"""
                    .getBytes(StandardCharsets.US_ASCII);

    @TempDir
    Path folder;

    @Test
    void ptxasMakesKernelsOfHopper() throws Exception {
        Optional<PtxasCompiler> ptxas = PtxasCompiler.find(System.getenv("PATH"));
        Assumptions.assumeTrue(ptxas.isPresent(), "no ptxas on the PATH");
        ModuleCompiler compiler = new ModuleCompiler(ptxas.get(), HOPPER, 3, LIMIT);
        compiler.probe(folder);
        ModuleCompiler.Compiled compiled = compiler.compile(PTX, "twice", folder);
        assertEquals(3, compiled.level());
        ByteSource container = ByteSource.of(compiled.container());
        byte[] cubin = FatBinary.read(container, new ElfSection("", 0, container.size()))
                .get(0)
                .entries()
                .get(0)
                .image(container);
        assertTrue(ElfFile.sections(ByteSource.of(cubin)).stream()
                .anyMatch(section -> section.name().equals(".text.twice")));
        assertEquals(0, folder.toFile().list().length, "nothing is left behind");
    }

    @Test
    void architectureThatPtxasDoesNotKnowIsFoundOutByTheProbe() throws Exception {
        Optional<PtxasCompiler> ptxas = PtxasCompiler.find(System.getenv("PATH"));
        Assumptions.assumeTrue(ptxas.isPresent(), "no ptxas on the PATH");
        ModuleCompiler compiler = new ModuleCompiler(ptxas.get(), new GpuArchitecture(991), 3, LIMIT);
        RetargetException e = assertThrows(RetargetException.class, () -> compiler.probe(folder));
        assertTrue(e.getMessage().contains("sm_991"), e.getMessage());
    }

    @Test
    void searchPathIsFollowedInOrder() throws Exception {
        assertEquals(Optional.empty(), PtxasCompiler.find(folder.toString()));
        Path old = Files.createDirectory(folder.resolve("old"));
        Path recent = Files.createDirectory(folder.resolve("recent"));
        ScriptCompiler.write(old.resolve("ptxas"), "echo 'Cuda compilation tools, release 11.2, V11.2.152'");
        ScriptCompiler.write(recent.resolve("ptxas"), "echo 'Cuda compilation tools, release 12.6, V12.6.77'");
        assertEquals(
                "ptxas-12.6.77",
                PtxasCompiler.find(folder + ":" + recent + ":" + old)
                        .orElseThrow()
                        .version());
        RetargetException e = assertThrows(RetargetException.class, () -> PtxasCompiler.find(old + ":" + recent));
        assertTrue(e.getMessage().contains("CUDA 11.2: 11.8 or later is needed"), e.getMessage());
        ScriptCompiler.write(old.resolve("ptxas"), "echo broken; exit 3");
        e = assertThrows(RetargetException.class, () -> PtxasCompiler.find(old.toString()));
        assertTrue(e.getMessage().contains("does not say its version: exit code 3: broken"), e.getMessage());
    }

    @Test
    void driversCompilerSaysWhatIsMissing() {
        Assumptions.assumeFalse(Files.exists(Path.of("/proc/driver/nvidia/version")), "this machine has a driver");
        RetargetException e = assertThrows(RetargetException.class, DriverCompiler::find);
        assertTrue(e.getMessage().contains("nd4j-cuda"), e.getMessage());
    }

    @Test
    void childThatHangsIsEndedAtItsDeadline() throws Exception {
        Path started = folder.resolve("pid");
        Path script = ScriptCompiler.write(
                folder.resolve("hang"), "echo $$ > " + started + "; echo thinking; exec sleep 10000");
        ChildProcess.Result result;
        Duration deadline = Duration.ofSeconds(1);
        do {
            // on a machine so slow that it does not get to say something, it has more time
            deadline = deadline.multipliedBy(2);
            result = ChildProcess.run(List.of(script.toString()), deadline);
            assertTrue(result.timedOut());
        } while (result.output().isEmpty());
        assertFalse(result.succeeded());
        assertEquals("ended at its deadline: thinking", result.describe());
        long pid = Long.parseLong(Files.readString(started).strip());
        while (ProcessHandle.of(pid).map(ProcessHandle::isAlive).orElse(false)) {
            Thread.sleep(10);
        }
    }

    @Test
    void childsLongOutputIsCutToItsEnd() throws Exception {
        Path script = ScriptCompiler.write(folder.resolve("talk"), "seq 100000; exit 4");
        ChildProcess.Result result = ChildProcess.run(List.of(script.toString()), LIMIT);
        assertEquals(4, result.exitCode());
        assertTrue(result.output().endsWith("99999\n100000\n"));
        assertTrue(result.output().length() <= 64 << 10);
    }

    @Test
    void ptxasThatHasAFastCompilationUsesItForLevelTwo() throws Exception {
        String version = "case $1 in --version) echo V12.9.86;; ";
        ScriptCompiler.write(folder.resolve("ptxas"), version + "--help) echo '--Ofast-compile <0|min|mid>';; esac");
        PtxasCompiler fast = PtxasCompiler.find(folder.toString()).orElseThrow();
        assertEquals(List.of(3, 2, 1, 0), fast.levels());
        assertEquals(2, fast.usualLevel());
        Path file = Path.of("file");
        assertTrue(fast.command(file, file, HOPPER, 2).contains("--Ofast-compile=mid"));
        assertTrue(fast.command(file, file, HOPPER, 3).contains("-O3"));

        ScriptCompiler.write(folder.resolve("ptxas"), version + "esac");
        PtxasCompiler older = PtxasCompiler.find(folder.toString()).orElseThrow();
        assertEquals(List.of(3, 1, 0), older.levels());
        assertEquals(3, older.usualLevel());
    }

    @Test
    void compilationStartsAtTheLevelAskedFor() throws Exception {
        ScriptCompiler script = ScriptCompiler.create(folder, ScriptCompiler.COMPILE);
        assertEquals(
                1,
                new ModuleCompiler(script, HOPPER, 2, LIMIT)
                        .compile(PTX, "twice", folder)
                        .level());
        assertEquals(
                0,
                new ModuleCompiler(script, HOPPER, 0, LIMIT)
                        .compile(PTX, "twice", folder)
                        .level());
    }

    @Test
    void driversCompilerIsHandedLevelAndArchitecture() {
        DriverCompiler compiler = new DriverCompiler("driver-13.0");
        List<String> command = compiler.command(Path.of("a.ptx"), Path.of("a.cubin"), HOPPER, 3);
        assertEquals(
                List.of(DriverCompilerMain.class.getName(), "90", "3", "a.ptx", "a.cubin"),
                command.subList(command.size() - 5, command.size()));
        assertTrue(compiler.levels().contains(compiler.usualLevel()));
    }

    @Test
    void linkerOptionsAreNumbersOfAPointersSize() {
        try (LinkOptions options = new LinkOptions()) {
            options.put(9, 90);
            options.put(5, 0x7f0012345678L);
            assertEquals(2, options.count());
            assertEquals(9, options.names().get(0));
            assertEquals(5, options.names().get(1));
            // void*[2]: read as pointers, their addresses are the numbers
            assertEquals(90, options.values().get(0).address());
            assertEquals(0x7f0012345678L, options.values().get(1).address());
            for (int more = 2; more < 8; more++) {
                options.put(more, more);
            }
            assertThrows(IllegalStateException.class, () -> options.put(8, 8));
        }
    }

    @RepeatedTest(5)
    void programThatIsEndedStartsNoCompilerAnew() throws Exception {
        Path pids = folder.resolve("pids");
        Path script = ScriptCompiler.write(folder.resolve("compiler"), "echo $$ >> " + pids + "; exec sleep 100");
        Process program = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        EndlessCompilation.class.getName(),
                        script.toString(),
                        folder.toString())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        try {
            while (!Files.exists(pids) || Files.size(pids) == 0) {
                assertTrue(program.isAlive());
                Thread.sleep(10);
            }
            // SIGTERM
            program.destroy();
            program.waitFor();
        } finally {
            program.destroyForcibly();
        }
        for (String pid : Files.readAllLines(pids)) {
            while (ProcessHandle.of(Long.parseLong(pid))
                    .filter(CompilersTest::runs)
                    .isPresent()) {
                Thread.sleep(10);
            }
        }
    }

    /** One that has ended has no command any more, even if nobody has asked for its exit code yet. */
    private static boolean runs(ProcessHandle process) {
        return process.isAlive() && process.info().command().isPresent();
    }

    /** A program that compiles with a script, at three levels if the first fails. */
    static final class EndlessCompilation {
        private EndlessCompilation() {}

        /** Arguments: the script, and a folder. */
        public static void main(String[] arguments) throws Exception {
            ScriptCompiler compiler = new ScriptCompiler("script-1.0", Path.of(arguments[0]));
            new ModuleCompiler(compiler, HOPPER, 3, LIMIT).compile(PTX, "twice", Path.of(arguments[1]));
        }
    }
}
